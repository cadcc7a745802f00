import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { float32, GraphBuilder, type Model, modelOf, readModel, writeModel } from "../onnx/index.ts";

/** All that a training run needs to go on as if it had not stopped. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  readonly parameters: Float32Array;
  /** Moving average of the parameters. */
  readonly average: Float32Array;
  /** The optimiser's vectors. */
  readonly optimiser: readonly Float32Array[];
}

/** Writes a checkpoint: whole or not at all. `run` names everything that decides the run's outcome. */
export async function writeCheckpoint(path: string, state: TrainingState, run: string): Promise<void> {
  const b = new GraphBuilder("checkpoint");
  b.constant(float32(state.parameters), "parameters");
  b.constant(float32(state.average), "average");
  state.optimiser.forEach((vector, i) => {
    b.constant(float32(vector), `state${i}`);
  });
  const model = modelOf(b.graph);
  model.metadata.set("step", String(state.step));
  model.metadata.set("run", run);
  await writeModel(path, model);
}

/**
 * Reads a checkpoint; undefined when there is none.
 *
 * @throws InputError when it belongs to another run or is damaged
 */
export function readCheckpoint(path: string, run: string): TrainingState | undefined {
  if (!existsSync(path)) return undefined;
  const { graph, metadata } = readWhole(path);
  if (metadata.get("run") !== run) {
    throw new InputError(
      path,
      "is the checkpoint of a run with other settings; remove it, or train with those settings",
    );
  }
  const vector = (name: string): Float32Array | undefined => graph.constants.get(name)?.data as Float32Array;
  const optimiser: Float32Array[] = [];
  for (let next = vector("state0"); next !== undefined; next = vector(`state${optimiser.length}`)) optimiser.push(next);
  const [parameters, average, step] = [vector("parameters"), vector("average"), Number(metadata.get("step"))];
  if (parameters === undefined || average === undefined || !Number.isInteger(step)) {
    throw noCheckpoint(path);
  }
  return { step, parameters, average, optimiser };
}

function readWhole(path: string): Model {
  try {
    return readModel(path);
  } catch (cause) {
    throw noCheckpoint(path, cause);
  }
}

const noCheckpoint = (path: string, cause?: unknown): InputError =>
  new InputError(path, "is no checkpoint, or is damaged; remove it to start anew", { cause });
