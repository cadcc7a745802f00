import type { GraphBuilder } from "../../onnx/index.ts";
import type { Parameter } from "../parameters.ts";

/** What an update rule may read: flat float32 vectors over all parameters, and scalars. */
export interface UpdateInputs {
  readonly b: GraphBuilder;
  readonly parameters: string;
  readonly gradient: string;
  /** Learning rate. */
  readonly rate: string;
  /** Number of this step, counted from 1, as float32. */
  readonly step: string;
  /** Share of all steps that is done after this one; 1 at the last. */
  readonly progress: string;
  /** 1 where weight decay applies (weights of convolutions and products), 0 elsewhere. */
  readonly decays: string;
  /** The parameters' shapes, in the order in which they lie in the flat vectors. */
  readonly layout: readonly Parameter[];
  /** The optimiser's own vectors, as many as `stateCount`, zero at the first step. */
  readonly state: readonly string[];
}

/** Emits one update. */
export interface Optimiser {
  readonly stateCount: number;
  emit(inputs: UpdateInputs): { readonly parameters: string; readonly state: readonly string[] };
}
