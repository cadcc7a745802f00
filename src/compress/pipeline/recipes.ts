import { student } from "../student/recipe.ts";
import { ternary } from "../ternary/recipe.ts";
import { refined } from "../ternary/refine.ts";
import { int8, withInt8 } from "./int8.ts";
import type { Means, Recipe } from "./recipe.ts";
import { slim } from "./slim.ts";

/** Ways to compress, by name: a new one is a line here. */
export const recipes = {
  int8: refined(int8),
  slim: slim({ quantised: false }),
  "slim+int8": withInt8(slim({ quantised: true })),
  student,
  "student+int8": withInt8(student),
  ternary: ternary({ ends: "int8" }),
  "ternary-throughout": ternary({ ends: "ternary" }),
} as const satisfies Record<string, Recipe>;
export type RecipeName = keyof typeof recipes;
export const recipeNames = Object.keys(recipes) as RecipeName[];

/** What `auto` tries, in this order; the last always suits. */
const preferred: readonly RecipeName[] = ["student+int8", "slim+int8", "int8"];

/** The recipe for what the user has, and why: the reasons against those before it, and for it. */
export function chooseRecipe(means: Means): { recipe: RecipeName; reason: string } {
  const verdicts = preferred.map((recipe) => ({ recipe, ...recipes[recipe].judge(means) }));
  const chosen = verdicts.findIndex(({ suits }) => suits);
  const reasons = verdicts.slice(0, chosen + 1).map(({ reason }) => reason);
  return { recipe: verdicts[chosen]!.recipe, reason: reasons.join("; ") };
}
