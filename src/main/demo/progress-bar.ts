/** How far a long piece of work is: a bar that is drawn again on a terminal, a line for every tenth part elsewhere. */

const WIDTH = 30;

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #stream: ProgressStream;
  readonly #title: string;
  readonly #total: number;
  #shown = -1;

  constructor(stream: ProgressStream, title: string, total: number) {
    this.#stream = stream;
    this.#title = title;
    this.#total = total;
  }

  update(done: number): void {
    const percent = this.#total === 0 ? 100 : Math.floor((done * 100) / this.#total);
    const step = this.#stream.isTTY ? percent : Math.floor(percent / 10) * 10;
    if (step === this.#shown) return;
    this.#shown = step;
    const filled = Math.round((percent * WIDTH) / 100);
    const bar = `${this.#title} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${percent} % (${done} of ${this.#total})`;
    this.#stream.write(this.#stream.isTTY ? `\r${bar}${done >= this.#total ? '\n' : ''}` : `${bar}\n`);
  }
}
