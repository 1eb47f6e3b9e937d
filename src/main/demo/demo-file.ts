/**
 * demo.json: what runs where, for programs that use the demo. It is there from the moment when all is up to the moment
 * when all is stopped. A host's process id is also kept in the host's own folder, from its start on, because a demo that
 * was killed leaves its hosts running and the next one must find them.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import type { ClientPorts } from '../../host/config.ts';
import { clusterFiles, hostFiles } from '../cluster-files.ts';
import { replaceFile } from '../cluster-marker.ts';

export interface DemoDescription {
  readonly ports: Readonly<Record<string, number>>;
  readonly address: string;
  readonly users: readonly { readonly address: string; readonly password: string }[];
  readonly hosts: readonly { readonly name: string; readonly processGroup: number; readonly data: string }[];
}

const descriptionSchema = z.object({
  ports: z.record(z.string(), z.number()),
  address: z.string(),
  users: z.array(z.object({ address: z.string(), password: z.string() })),
  hosts: z.array(z.object({ name: z.string(), processGroup: z.number(), data: z.string() })),
});

export function describePorts(clients: ClientPorts): Pick<DemoDescription, 'ports' | 'address'> {
  const { address, ...ports } = clients;
  return { address, ports };
}

export function writeDescription(folder: string, description: DemoDescription): void {
  replaceFile(clusterFiles.demo(folder), `${JSON.stringify(description, null, 2)}\n`);
}

export function removeDescription(folder: string): void {
  rmSync(clusterFiles.demo(folder), { force: true });
}

/** After start-host: the host has another process group now, or is new. Nothing to do while there is no demo.json yet. */
export function updateProcessGroup(folder: string, host: string, processGroup: number): void {
  const path = clusterFiles.demo(folder);
  if (!existsSync(path)) return;
  const description = descriptionSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const started = { name: host, processGroup, data: clusterFiles.host(folder, host) };
  const isListed = description.hosts.some(({ name }) => name === host);
  const hosts = description.hosts.map((each) => (each.name === host ? started : each));
  writeDescription(folder, { ...description, hosts: isListed ? hosts : [...hosts, started] });
}

export function writeProcessGroup(dataFolder: string, processGroup: number): void {
  replaceFile(hostFiles.processGroup(dataFolder), `${processGroup}\n`);
}

/** Of the last process that was started for this host; it may be long gone. */
export function readProcessGroup(dataFolder: string): number | undefined {
  const path = hostFiles.processGroup(dataFolder);
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8').trim();
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
