import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../errors.ts";
import { makeFolder, readBytes, writeWhole } from "../../files.ts";

/** What a step gave, and how long it took. */
interface FinishedStep {
  readonly result: unknown;
  readonly minutes: number;
}

interface State {
  /** Hash of all that the run depends on. */
  readonly run: string;
  readonly steps: Record<string, FinishedStep>;
}

/** Where a run keeps what it has finished: after an interruption it goes on from there. */
export class WorkFolder {
  readonly #path: string;
  readonly #state: State;

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  /**
   * Opens a run's folder, or makes it.
   *
   * @param run - hash of all that decides the results
   * @throws UsageError when the folder holds another run
   */
  static async open(path: string, run: string): Promise<WorkFolder> {
    await makeFolder(path);
    const file = join(path, "state.json");
    const state = existsSync(file) ? await readState(file) : { run, steps: {} };
    if (state.run !== run) {
      throw new UsageError(
        `${path} holds a run with other options, images or another model; give another --work, or delete it`,
      );
    }
    return new WorkFolder(path, state);
  }

  /** Path of a file of the run. */
  file(name: string): string {
    return join(this.#path, name);
  }

  /** The result of a step, run once: what it gave is kept as JSON. */
  async once<T>(step: string, work: () => Promise<T>): Promise<T> {
    const known = this.#state.steps[step];
    if (known !== undefined) return known.result as T;
    const started = performance.now();
    const result = await work();
    this.#state.steps[step] = { result, minutes: (performance.now() - started) / 60_000 };
    await writeWhole(this.file("state.json"), `${JSON.stringify(this.#state, null, 1)}\n`);
    return result;
  }

  /** Minutes of each finished step. */
  get minutes(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#state.steps).map(([step, { minutes }]) => [step, minutes]));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}

async function readState(file: string): Promise<State> {
  try {
    return JSON.parse(new TextDecoder().decode(await readBytes(file, "check its permissions"))) as State;
  } catch (cause) {
    throw new UsageError(`${file} is damaged; delete its folder and start anew`, { cause });
  }
}
