import type { Node } from "../graph.ts";
import { activation } from "./activation.ts";
import { constants } from "./constants.ts";
import { conv } from "./conv.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { matmul } from "./matmul.ts";
import { normalization } from "./normalization.ts";
import type { Operator } from "./operator.ts";
import { pool } from "./pool.ts";
import { quantization } from "./quantization.ts";
import { reduce } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { resize } from "./resize.ts";
import { sequence } from "./sequence.ts";
import { slicing } from "./slicing.ts";

export { CostContext, type Inferred, inferredConstant, NodeContext, type Operator } from "./operator.ts";

/** Every operator that has rules, by name; those of another domain as `domain.name`. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...conv,
    ...pool,
    ...matmul,
    ...elementwise,
    ...activation,
    ...normalization,
    ...reduce,
    ...reshape,
    ...slicing,
    ...indexing,
    ...constants,
    ...resize,
    ...quantization,
    ...sequence,
  }),
);

/** The name of a node's operator in the table. */
export const operatorName = (node: Node): string => (node.domain === "" ? node.op : `${node.domain}.${node.op}`);
