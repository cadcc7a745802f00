import type { TwinError } from "../errors.ts";
import type { NetworkName } from "../lanes/types.ts";

/** Outputs of one network on many images: `count` rows of `classes` logits. */
export interface Logits {
  readonly data: Float32Array;
  readonly count: number;
  readonly classes: number;
}

/** Confidence measures of the compressed network's logits. */
export const confidenceMeasures = ["margin", "max-probability", "entropy", "energy", "tempered"] as const;
export type ConfidenceMeasure = (typeof confidenceMeasures)[number];

/** How an answer's confidence is computed. */
export interface ConfidenceSpec {
  readonly measure: ConfidenceMeasure;
  /** Of `tempered` and `energy`; 1 elsewhere. */
  readonly temperature: number;
}

/** One network of the cascade; the last has no threshold: its answers stand. */
export interface Stage {
  readonly network: NetworkName;
  /** Answers with confidence >= threshold stand; others go to the next stage. */
  readonly threshold?: number;
}

/** The cascade that answers, first stage first: compressed, perhaps original-int8, original. */
export type Cascade = readonly Stage[];

/** One answer. */
export interface Answer {
  /** Index of the winning class. */
  readonly class: number;
  /** Logits of the network that answered. */
  readonly logits: Float32Array;
  /** Of the compressed network, or of the network that took the input first. */
  readonly confidence: number;
  readonly answeredBy: NetworkName;
}

/** An input that got no answer, in the place of one. */
export interface Failure {
  readonly error: TwinError;
}

/** What comes back for one input. */
export type Outcome = Answer | Failure;

/** Whether an outcome is a failure. */
export const isFailure = (outcome: object): outcome is Failure => "error" in outcome;
