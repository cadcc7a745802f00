import type { Clock } from "../../src/bench/clock.ts";
import type { System } from "../../src/bench/scenarios.ts";

/** Time that passes only when somebody spends it. */
export class FakeClock implements Clock {
  #now = 1000;

  now(): number {
    return this.#now;
  }

  spend(milliseconds: number): void {
    this.#now += milliseconds;
  }

  async sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.spend(milliseconds);
  }
}

/** A system that takes `milliseconds` for each image, one after the other; `log` hears of each run. */
export function fakeSystem(clock: FakeClock, milliseconds: number, log: (images: number) => void = () => {}): System {
  return {
    async *run(inputs, { signal } = {}) {
      let images = 0;
      for await (const input of inputs) {
        signal?.throwIfAborted();
        if ("error" in input) {
          yield input;
          continue;
        }
        clock.spend(milliseconds);
        images++;
        yield { class: 0 };
      }
      log(images);
    },
  };
}

/** `count` images that can be told apart. */
export const fakeImages = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => Uint8Array.of(i % 256));
