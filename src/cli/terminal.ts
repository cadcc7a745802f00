import { SingleBar } from "cli-progress";
import pc from "picocolors";

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
    process.stderr.write(`${pc.yellow("warning:")} ${text}\n`);
  }

  /** A progress bar, drawn on terminals only. `total` may be unknown. */
  progress(task: string, total: number | undefined): Progress {
    return new Progress(task, total, this.#quiet || !process.stderr.isTTY);
  }
}

/** One bar; `stop` wipes it. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  #done = 0;

  constructor(task: string, total: number | undefined, hidden: boolean) {
    if (hidden) return;
    const format =
      total === undefined ? `${task} {value}` : `${task} ${pc.cyan("{bar}")} {value}/{total}  {eta_formatted} left`;
    this.#bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 30 });
    this.#bar.start(total ?? 0, 0);
  }

  /** Counts `n` more as done. */
  advance(n = 1): void {
    this.#done += n;
    this.#bar?.update(this.#done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}

/** Writes a result to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
