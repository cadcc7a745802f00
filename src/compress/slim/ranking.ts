import type { Model } from "../../onnx/index.ts";
import type { Logits } from "../../twin/index.ts";
import { agreementOf, divergenceOf } from "../logits.ts";
import { answersOf, type SlimImages } from "./images.ts";

/** A network on the way, and how far it is from the original on held-out images. */
export interface RankedNetwork {
  readonly name: string;
  readonly model: Model;
  /** Mean KL(original || network), in nats. */
  readonly divergence: number;
  /** Share of images with the original's class. */
  readonly agreement: number;
}

/** Networks compared by their divergence from the original. */
export class Ranking {
  readonly networks: RankedNetwork[] = [];
  readonly #held: SlimImages;
  readonly #reference: Logits;
  readonly #threads: number;

  private constructor(held: SlimImages, reference: Logits, threads: number) {
    this.#held = held;
    this.#reference = reference;
    this.#threads = threads;
  }

  static async start(original: Model, held: SlimImages, threads: number): Promise<Ranking> {
    return new Ranking(held, await answersOf(original, held, threads), threads);
  }

  async add(name: string, model: Model): Promise<void> {
    const answers = await answersOf(model, this.#held, this.#threads);
    const divergence = divergenceOf(this.#reference, answers);
    this.networks.push({ name, model, divergence, agreement: agreementOf(this.#reference, answers) });
  }

  /** The network that is nearest to the original. */
  get best(): RankedNetwork {
    return this.networks.reduce((best, network) => (network.divergence < best.divergence ? network : best));
  }
}
