/** A base for a demo's ports: every port that it will listen on is free on every address that it will use. */
import { createServer } from 'node:net';
import { portsOf } from '../../src/main/demo/ports.ts';
import { demoSpecification } from '../../src/main/demo/specification.ts';
import { configurationsOf } from '../../src/main/form-cluster.ts';

/** Below the range from which Linux takes the ports of outgoing connections, so that none of these gets in the way. */
const LOWEST_BASE = 4_000;
const HIGHEST_BASE = 28_000;
const MAX_TRIES = 50;

export async function freePortBase(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const base = LOWEST_BASE + Math.floor((Math.random() * (HIGHEST_BASE - LOWEST_BASE)) / 10) * 10;
    const places = portsOf(
      configurationsOf('/', demoSpecification(base, { mode: 'sync', witness: 'process', nodes: 3 }), ''),
    );
    const free = await Promise.all(places.map(({ address, port }) => isFree(address, port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`No base with free ports was found in ${MAX_TRIES} tries`);
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
