import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskPortSuite } from '../log/disk.port-suite.ts';
import { FileSystemDisk } from './disk.ts';
import { ThreadLogDevice } from './log-device.ts';

diskPortSuite('machine', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  const devices: ThreadLogDevice[] = [];
  const open = (): ThreadLogDevice => {
    const device = new ThreadLogDevice(root);
    devices.push(device);
    return device;
  };
  const dispose = async (): Promise<void> => {
    for (const device of devices) await device.close();
    await rm(root, { recursive: true });
  };
  return { disk: new FileSystemDisk(root), device: open(), reopenDevice: open, dispose };
});
