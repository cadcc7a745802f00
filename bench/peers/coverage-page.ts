import { toolVersion } from "../../src/version.ts";

export const recipeNames = ["student", "int8", "slim", "ternary"] as const;
export type RecipeName = (typeof recipeNames)[number];

/** A recipe's answer to one model. */
export interface Verdict {
  readonly accepted: boolean;
  /** How much of it, or why not. */
  readonly detail: string;
}

/** A verdict, with the recipe that it is of. */
export interface RecipeVerdict extends Verdict {
  readonly recipe: RecipeName;
}

/** A model, named `family.exporter`. */
export interface CoverageRow {
  readonly name: string;
  /** None of the recipes that were not tried. */
  readonly verdicts: readonly RecipeVerdict[];
  /** Why there is no model. */
  readonly failed?: string;
}

const exporterNames = {
  torchscript: "PyTorch, TorchScript",
  dynamo: "PyTorch, dynamo",
  keras: "Keras, tf2onnx",
} as const;
const exporters = Object.keys(exporterNames) as (keyof typeof exporterNames)[];

/** docs/coverage.md, of verdicts made at a commit. */
export function coveragePage(rows: readonly CoverageRow[], commit: string): string {
  const exported = rows.filter(({ failed }) => failed === undefined);
  const of = (exporter: string): CoverageRow[] => exported.filter(({ name }) => name.endsWith(`.${exporter}`));
  return [
    "# Which classifiers each recipe takes",
    "",
    "Every classifier family of torchvision, by both of PyTorch's exporters, and the families of keras.applications, by tf2onnx: one member of each, with random weights. Written by `bench/peers/coverage.ts` with",
    `twindnn ${toolVersion} (see [peers](peers.md#coverage)) on ${new Date().toISOString().slice(0, 10)}, at commit \`${commit}\`.`,
    "",
    ...notes(rows),
    `| recipe | ${exporters.map((exporter) => exporterNames[exporter]).join(" | ")} | all |`,
    `| --- | ${exporters.map(() => "--- | ").join("")}--- |`,
    ...recipeNames.map(
      (recipe) =>
        `| \`${recipe}\` | ${[...exporters.map(of), exported].map((some) => accepted(some, recipe)).join(" | ")} |`,
    ),
    "",
    'What "yes" means, on 8 images:',
    "",
    "- `student`: the original loads, runs at any batch (or at the one that is named) and its answers are finite, so that they can be learnt.",
    "- `int8`: a quantised network is made, and runs. Counted are the nodes in int8.",
    "- `slim`: one group of channels is thinned by a step, its reader refitted, and the network runs and does less. Counted are the channels that may go.",
    "- `ternary`: the network is prepared, trained for one step and written in integers, and these run. Counted are the layers.",
    "",
    `| family | exporter | ${recipeNames.join(" | ")} |`,
    `| --- | --- | ${recipeNames.map(() => "---").join(" | ")} |`,
    ...rows.filter((row) => !isUntried(row)).map(line),
    "",
  ].join("\n");
}

function accepted(rows: readonly CoverageRow[], recipe: string): string {
  const tried = rows.flatMap(({ verdicts }) => verdicts.find((one) => one.recipe === recipe) ?? []);
  return `${tried.filter(({ accepted }) => accepted).length} of ${tried.length}`;
}

const isUntried = ({ verdicts, failed }: CoverageRow): boolean => verdicts.length === 0 && failed === undefined;

function notes(rows: readonly CoverageRow[]): string[] {
  const untried = rows.filter(isUntried).map(({ name }) => name);
  if (untried.length === 0) return [];
  return [`**Not tried yet, and not counted, ${untried.length} of ${rows.length}:** ${untried.join(", ")}.`, ""];
}

function line({ name, verdicts, failed }: CoverageRow): string {
  const [family, exporter] = name.split(".") as [string, string];
  const cell = (recipe: string): string => {
    if (failed !== undefined) return "no model";
    const verdict = verdicts.find((one) => one.recipe === recipe);
    return verdict === undefined ? "not tried" : cellOf(verdict);
  };
  const noted = failed === undefined ? exporter : `${exporter}: not exported: ${failed}`;
  return `| ${family} | ${noted} | ${recipeNames.map(cell).join(" | ")} |`;
}

const cellOf = ({ accepted, detail }: Verdict): string =>
  `${accepted ? "yes" : "**no**"}: ${detail.replace(/ \(node "[^"]*"\)/, "").replaceAll("|", "\\|")}`;
