import type { GradientRule } from "../differentiate.ts";
import { straightThroughRules } from "../straight-through.ts";
import { activationRules } from "./activation.ts";
import { convRules } from "./conv.ts";
import { broadcastingOperators, elementwiseRules } from "./elementwise.ts";
import { gatherRules } from "./gather.ts";
import { matmulRules } from "./matmul.ts";
import { normalizationRules } from "./normalization.ts";
import { poolRules } from "./pool.ts";
import { reduceRules } from "./reduce.ts";
import { shapeRules } from "./shape.ts";
import { softmaxRules } from "./softmax.ts";

/** Gradient rules by operator, a file for each operator family. */
export const gradientRules: ReadonlyMap<string, GradientRule> = new Map(
  [
    activationRules,
    convRules,
    elementwiseRules,
    gatherRules,
    matmulRules,
    normalizationRules,
    poolRules,
    reduceRules,
    shapeRules,
    softmaxRules,
    straightThroughRules,
  ].flatMap((family) => Object.entries(family)),
);

export { broadcastingOperators };
