import { expect, test } from "vitest";
import { divergenceOf, joinLogits } from "../../../src/compress/logits.ts";
import { Ranking } from "../../../src/compress/slim/ranking.ts";
import { classifier } from "../../support/models.ts";
import { noiseImages } from "./support.ts";

const original = classifier({ seed: 1 });

test("the network nearest to the original is the best one, whenever it was added", async () => {
  const ranking = await Ranking.start(original, noiseImages(original, 8), 1);
  await ranking.add("another", classifier({ seed: 2 }));
  await ranking.add("itself", original);
  await ranking.add("a third", classifier({ seed: 3 }));
  expect(ranking.best).toMatchObject({ name: "itself", divergence: 0, agreement: 1 });
});

test("divergence is the expected difference of log-probabilities", () => {
  const even = joinLogits([Float32Array.of(0, 0)], 2);
  const sure = joinLogits([Float32Array.of(Math.log(3), 0)], 2);
  expect(divergenceOf(even, sure)).toBeCloseTo(0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25), 6);
});
