import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CalibrationError, InputError, TwinError, UsageError } from "../../errors.ts";
import { makeFolder, readBytes, writeWhole } from "../../files.ts";
import { claimFile, claimFolder } from "./claim.ts";

const stateSchema = z.strictObject({
  /** Hash of all that the run depends on. */
  run: z.string(),
  /** What each finished step gave. */
  results: z.record(z.string(), z.unknown()),
  /** What each step took, those within it left out, interrupted ones included. */
  minutes: z.record(z.string(), z.number()),
});
type State = z.infer<typeof stateSchema>;

const stateFile = "state.json";

/** Where a run keeps what it has finished: after an interruption it goes on from there. */
export class WorkFolder implements AsyncDisposable {
  readonly #path: string;
  readonly #state: State;
  readonly #claim: AsyncDisposable;
  /** An earlier run has left results. */
  readonly #isResumed: boolean;
  /** Minutes of all steps since the folder was opened. */
  #spent = 0;

  private constructor(path: string, state: State, claim: AsyncDisposable) {
    this.#path = path;
    this.#isResumed = Object.keys(state.results).length > 0;
    this.#state = state;
    this.#claim = claim;
  }

  /**
   * Opens a run's folder, or makes it; no other run may, before this one lets it go.
   *
   * @param run - hash of all that decides the results
   * @throws UsageError when the folder holds another run, or files of something else, or another process works in it
   */
  static async open(path: string, run: string): Promise<WorkFolder> {
    await makeFolder(path);
    refuseForeign(path);
    const claim = await claimFolder(path);
    try {
      const work = new WorkFolder(path, await stateOf(path, run), claim);
      await work.#store();
      return work;
    } catch (error) {
      await claim[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Lets others have the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#claim[Symbol.asyncDispose]();
  }

  /** Does the work. @throws InputError that names the way out, where it fails over what an earlier run has left here */
  async undamaged<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isOurs = this.#isResumed && error instanceof TwinError && error.message.includes(this.#path);
      if (!isOurs || error instanceof UsageError || error instanceof CalibrationError) throw error;
      throw new InputError(this.#path, `holds a damaged file (${error.message}); delete it and start anew`, {
        cause: error,
      });
    }
  }

  /** Path of a file of the run. */
  file(name: string): string {
    return join(this.#path, name);
  }

  /** Names of the run's files that end so, without the ending. */
  names(ending: string): string[] {
    const files = readdirSync(this.#path).filter((file) => file.endsWith(ending));
    return files.map((file) => file.slice(0, -ending.length)).sort();
  }

  /** The result of a step, run once: what it gave is kept as JSON. */
  async once<T>(step: string, work: () => Promise<T>): Promise<T> {
    if (step in this.#state.results) return this.#state.results[step] as T;
    return this.timed(step, async () => {
      const result = await work();
      this.#state.results[step] = result ?? null; // JSON has no undefined
      return result;
    });
  }

  /** Does a step, and keeps how long it took. */
  async timed<T>(step: string, work: () => Promise<T>): Promise<T> {
    const [started, spentBefore] = [performance.now(), this.#spent];
    try {
      return await work();
    } finally {
      const own = (performance.now() - started) / 60_000 - (this.#spent - spentBefore);
      this.#spent += own;
      this.#state.minutes[step] = (this.#state.minutes[step] ?? 0) + own;
      await this.#store();
    }
  }

  #store(): Promise<void> {
    return writeWhole(this.file(stateFile), `${JSON.stringify(this.#state, null, 1)}\n`);
  }

  /** Minutes of each step. */
  get minutes(): Readonly<Record<string, number>> {
    return this.#state.minutes;
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}

function refuseForeign(path: string): void {
  const ours = existsSync(join(path, stateFile));
  if (ours || readdirSync(path).every((name) => name === claimFile)) return;
  throw new UsageError(`${path} is no work folder and not empty; give another --work, or move it away`);
}

/** What is known of a run. @throws UsageError when the folder holds another */
async function stateOf(path: string, run: string): Promise<State> {
  const file = join(path, stateFile);
  const state = existsSync(file) ? await readState(file) : { run, results: {}, minutes: {} };
  if (state.run === run) return state;
  throw new UsageError(
    `${path} holds a run with other options, images or another model; give another --work, or delete it`,
  );
}

async function readState(file: string): Promise<State> {
  try {
    const text = new TextDecoder().decode(await readBytes(file, "check its permissions"));
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UsageError(`${file} is damaged; delete its folder and start anew`, { cause });
  }
}
