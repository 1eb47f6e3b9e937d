/**
 * One directory, mounted several times by sshfs, each over a connection of its own: what several hosts see of a file
 * server. The server is OpenSSH's for SFTP behind a plain port; nothing else is started, and no key is needed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../support/wait.ts';

const MOUNT_TIMEOUT_MS = 20_000;
const places = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server'];
const SFTP_SERVER = places.find((place) => existsSync(place));

/** Why nothing can be mounted here; false where it can. */
export function cannotMount(): string | false {
  if (SFTP_SERVER === undefined) return "OpenSSH's sftp-server is not installed";
  try {
    accessSync('/dev/fuse');
    return false;
  } catch {
    return 'this machine has no /dev/fuse';
  }
}

export class SshfsMounts {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-sshfs-'));
  /** As the server has it. */
  readonly real = join(this.folder, 'real');
  readonly #server: Server;
  readonly #children: ChildProcess[] = [];
  readonly #connections = new Set<Socket>();
  readonly #mounted: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
    mkdirSync(this.real);
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(): Promise<SshfsMounts> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new SshfsMounts(server);
  }

  #serve(socket: Socket): void {
    const child = spawn(SFTP_SERVER ?? '', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    this.#connections.add(socket);
    socket.on('error', () => child.kill());
    child.stdin.on('error', () => socket.destroy());
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  }

  /** The path of one more mount. */
  async mount(name: string, options: readonly string[] = []): Promise<string> {
    const path = join(this.folder, name);
    mkdirSync(path);
    const { port } = this.#server.address() as AddressInfo;
    const all = [`directport=${port}`, 'dir_cache=no', 'entry_timeout=0', 'attr_timeout=0', ...options];
    this.#children.push(
      spawn('sshfs', ['-f', '-o', all.join(','), `127.0.0.1:${this.real}`, path], { stdio: 'inherit' }),
    );
    this.#mounted.push(path);
    await waitFor(`${name} is mounted`, MOUNT_TIMEOUT_MS, () =>
      // Its files are served by this process, so nothing may wait for them without letting it go on.
      Promise.resolve(readFileSync('/proc/mounts', 'utf8').includes(` ${path} `) ? true : undefined),
    );
    return path;
  }

  close(): void {
    for (const socket of this.#connections) socket.destroy();
    for (const child of this.#children) child.kill('SIGKILL');
    for (const path of this.#mounted) spawnSync('fusermount3', ['-u', '-z', path]);
    this.#server.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
