import type { LaneSpec, Network, NetworkName, Pixels } from "./types.ts";

/** What the host tells a lane. `open` comes first and once; nothing comes after `close`. */
export type Request =
  | { readonly kind: "open"; readonly spec: LaneSpec; readonly networks: readonly Network[] }
  | ({ readonly kind: "run" } & RunRequest)
  | { readonly kind: "close" };

export interface RunRequest {
  /** Chosen by the host; the reply carries it back. */
  readonly id: number;
  readonly network: NetworkName;
  /** Images in the batch. */
  readonly count: number;
  /** Their values, or where in the batch file these lie. */
  readonly data: Pixels | BatchPlace;
}

/** Where the data of a batch lie in a batch file. */
export interface BatchPlace {
  readonly slot: number;
  readonly bytes: number;
  readonly floats: boolean;
}

/** What a lane tells its host. */
export type Reply =
  | { readonly kind: "opened" }
  | { readonly kind: "not-opened"; readonly reason: string }
  | {
      readonly kind: "answered";
      readonly id: number;
      readonly logits: Float32Array;
      readonly started: number;
      readonly finished: number;
    }
  /** The runtime refused this batch; the lane lives on. */
  | { readonly kind: "refused"; readonly id: number; readonly reason: string };
