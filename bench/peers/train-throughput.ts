import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { ResidualNetwork } from "../../src/train/index.ts";
import { pythonWith } from "./python.ts";

const packages = ["torch==2.15.0", "numpy==2.4.6"];
const script = join("bench", "peers", "train-throughput.py");

/** PyTorch training the same network in a process that waits for its turn. */
export class TorchTrainer implements Disposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  private constructor(python: string, args: readonly string[]) {
    this.#process = spawn(python, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface(this.#process.stdout);
  }

  static start(folder: string, network: ResidualNetwork, batch: number, threads: number): TorchTrainer {
    mkdirSync(folder, { recursive: true });
    return new TorchTrainer(pythonWith(packages, folder), [JSON.stringify(network), String(batch), String(threads)]);
  }

  /** Trains so many steps, and says how long they took. */
  async seconds(steps: number): Promise<number> {
    this.#process.stdin.write(`${steps}\n`);
    const [line] = (await Promise.race([once(this.#lines, "line"), once(this.#process, "exit")])) as [unknown];
    if (typeof line !== "string") throw new Error(`${script} ended with code ${String(line)}`);
    return Number(line);
  }

  [Symbol.dispose](): void {
    this.#process.stdin.end();
  }
}
