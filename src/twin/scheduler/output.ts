import type { Outcome } from "../types.ts";
import { Gate } from "./gate.ts";

/** Puts outcomes that arrive in any order back into input order; holds at most `window` of them. */
export class OrderedOutput {
  readonly #ring: (Outcome | undefined)[];
  readonly #arrival = new Gate();
  #next = 0;

  constructor(window: number) {
    this.#ring = Array.from({ length: window }, () => undefined);
  }

  /** Stores the outcome of input `index`, which lies within `window` of those taken. */
  put(index: number, outcome: Outcome): void {
    this.#ring[index % this.#ring.length] = outcome;
    if (index === this.#next) this.#arrival.open();
  }

  /** Removes the next outcome, if it is here. */
  take(): Outcome | undefined {
    const place = this.#next % this.#ring.length;
    const outcome = this.#ring[place];
    if (outcome === undefined) return undefined;
    this.#ring[place] = undefined;
    this.#next++;
    return outcome;
  }

  /** Fulfilled when the next outcome arrives, or `wake` is called. */
  arrival(): Promise<void> {
    return this.#arrival.passed();
  }

  wake(): void {
    this.#arrival.open();
  }
}
