import { type TwinError, UsageError } from "../errors.ts";
import type { NetworkName } from "../lanes/types.ts";
import { logSumExp } from "./confidence/index.ts";
import type { Answer } from "./types.ts";

/** One of the likeliest classes of an image. */
export interface Guess {
  readonly class: number;
  readonly label: string;
  /** Softmax of the logits of the network that answered, 0..1. */
  readonly probability: number;
}

/** An image that could not be answered, and why. */
export interface ClassificationFailure {
  readonly name: string;
  readonly error: TwinError;
}

/** The answer to one image. */
export class Classification {
  readonly name: string;
  /** Index of the winning class, and its label. */
  readonly class: number;
  readonly label: string;
  /** Softmax probability of every class, from the network that answered. */
  readonly scores: Float32Array;
  /** Of the network that saw the image first: the compressed one, unless the plan lets an idle original take fresh images. */
  readonly confidence: number;
  /** The network whose answer this is. */
  readonly answeredBy: NetworkName;
  readonly #labels: readonly string[];

  constructor(name: string, answer: Answer, labels: readonly string[]) {
    this.name = name;
    this.class = answer.class;
    this.label = labels[answer.class]!;
    this.scores = softmax(answer.logits);
    this.confidence = answer.confidence;
    this.answeredBy = answer.answeredBy;
    this.#labels = labels;
  }

  /** The `n` likeliest classes, likeliest first. Throws UsageError unless n is a whole number above 0. */
  top(n: number): Guess[] {
    if (!(Number.isInteger(n) && n > 0)) throw new UsageError(`top takes a whole number above 0, received ${n}`);
    const order = [...this.scores.keys()].sort((a, b) => this.scores[b]! - this.scores[a]!);
    return order
      .slice(0, n)
      .map((index) => ({ class: index, label: this.#labels[index]!, probability: this.scores[index]! }));
  }
}

function softmax(logits: Float32Array): Float32Array {
  const normaliser = logSumExp(logits);
  return logits.map((logit) => Math.exp(logit - normaliser));
}
