/** Whether an address is this machine's: asked before hosts are told to find it there. */
import { createServer } from 'node:net';
import { messageOf, Problem } from '../base/problem.ts';

/** Listens there for a moment, on any port. Problem('AddressNotHere') */
export function mustBeHere(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(notHere(address, error)));
    server.listen(0, address, () => server.close(() => resolve()));
  });
}

function notHere(address: string, cause: Error): Problem {
  return new Problem(
    'AddressNotHere',
    `Cannot use the address ${address}: this machine does not have it (${messageOf(cause)}). Give it to a network card first.`,
    { cause },
  );
}
