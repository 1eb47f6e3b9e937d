/**
 * Ends a demo whose test is gone: it waits until its input ends, which happens however the test's process ended, also by
 * SIGKILL, and then kills the demo and every host on its folder and removes the folder. Run as
 * `reaper.ts FOLDER [DEMO_PROCESS_ID]`; without a demo it is for hosts alone.
 */
import { endDemo } from './end-demo.ts';

const [folder = '', demo] = process.argv.slice(2);
process.stdin.resume();
process.stdin.once('close', () => endDemo(folder, demo === undefined ? undefined : Number(demo)));
