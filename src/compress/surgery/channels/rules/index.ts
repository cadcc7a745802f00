import type { ChannelRule } from "../rule.ts";
import { einsum } from "./einsum.ts";
import { elementwise } from "./elementwise.ts";
import { linear } from "./linear.ts";
import { normalization } from "./normalization.ts";
import { pool } from "./pool.ts";
import { reshaping } from "./reshape.ts";
import { slicing } from "./slicing.ts";

/** Every operator through which channels can be followed, by name. */
export const channelRules: ReadonlyMap<string, ChannelRule> = new Map(
  Object.entries({ ...linear, ...einsum, ...elementwise, ...normalization, ...pool, ...slicing, ...reshaping }),
);
