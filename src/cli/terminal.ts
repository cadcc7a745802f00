import { styleText } from "node:util";
import { SingleBar } from "cli-progress";

/** What the user asked of the terminal. */
export interface TerminalOptions {
  readonly quiet?: boolean | undefined;
}

/** Notes and progress go to stderr, so that stdout holds results alone. */
export class Terminal {
  readonly #quiet: boolean;

  constructor({ quiet = false }: TerminalOptions) {
    this.#quiet = quiet;
  }

  /** Tells the user something that is no result. */
  note(text: string): void {
    if (!this.#quiet) process.stderr.write(`${text}\n`);
  }

  /** Tells the user of something to look at. */
  warn(text: string): void {
    process.stderr.write(`${styleText("yellow", "warning:", { stream: process.stderr })} ${text}\n`);
  }

  /** A progress bar, drawn on terminals only. `total` may be unknown. */
  progress(task: string, total: number | undefined): Progress {
    return new Progress(task, total, this.#quiet || !process.stderr.isTTY);
  }

  /** A progress bar beside results that are printed as they come: none on the terminal that shows these, it would wipe them. */
  progressBesideResults(task: string, total: number | undefined): Progress {
    return process.stdout.isTTY ? new Progress(task, total, true) : this.progress(task, total);
  }
}

/** One bar, drawn from the first image on; `stop` wipes it. */
export class Progress {
  readonly #task: string;
  readonly #hidden: boolean;
  #total: number | undefined;
  #bar: SingleBar | undefined;
  #done = 0;

  constructor(task: string, total: number | undefined, hidden: boolean) {
    this.#task = task;
    this.#total = total;
    this.#hidden = hidden;
  }

  /** Counts `n` more as done. */
  advance(n = 1): void {
    this.set(this.#done + n, this.#total);
  }

  /** Says how much is done, out of a total that may be unknown. */
  set(done: number, total: number | undefined): void {
    this.#done = done;
    this.#total = total;
    if (this.#hidden) return;
    this.#bar ??= this.#start();
    this.#bar.update(Math.floor(done));
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #start(): SingleBar {
    const counted = `${styleText("cyan", "{bar}", { stream: process.stderr })} {value}/{total}  {eta_formatted} left`;
    const format = `${this.#task} ${this.#total === undefined ? "{value}" : counted}`;
    const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 30 });
    bar.start(this.#total ?? 0, 0);
    return bar;
  }
}

/** Writes a result to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
