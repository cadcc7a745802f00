import type { NetworkName } from "../lanes/types.ts";
import {
  type Collected,
  cascadeOf,
  confidences,
  type Evaluation,
  evaluateTwin,
  logitsOf,
  type Manifest,
  topClasses,
} from "../twin/index.ts";
import type { BenchResult, ClassResult, SystemName } from "./types.ts";

/** What the systems answer, whatever their speed. */
export interface Quality extends Pick<BenchResult, "answeredBy" | "outcomes" | "classes"> {
  readonly evaluation: Evaluation;
  readonly answers: Answers;
  readonly scores: ReadonlyMap<SystemName, Score>;
  /** Share of the images that each network of the twin sees. */
  readonly reach: ReadonlyMap<NetworkName, number>;
}

export interface Score {
  /** With labels only. */
  readonly accuracy?: number;
  readonly agreement: number;
}

/** Classes that the systems answered; an entry an image. */
export interface Answers {
  readonly bySystem: ReadonlyMap<SystemName, Int32Array>;
  /** The network whose answer the twin gave. */
  readonly by: readonly NetworkName[];
  /** True classes; absent unless every image has one. */
  readonly labels: Int32Array | undefined;
}

/** Compares what the networks put out on the same images. */
export function qualityOf(manifest: Manifest, collected: Collected): Quality {
  const answers = answersOf(manifest, collected);
  const scoreOf = scorer(answers);
  const all = [...answers.by.keys()];
  return {
    evaluation: evaluationOf(manifest, collected),
    answers,
    scores: new Map([...answers.bySystem.keys()].map((system) => [system, scoreOf(system, all)])),
    reach: reachOf(manifest, answers),
    answeredBy: answeredBy(answers, scoreOf),
    outcomes: outcomesOf(answers),
    classes: classesOf(manifest, answers, scoreOf),
  };
}

function answersOf(manifest: Manifest, { logits, names, labels }: Collected): Answers {
  const tops = new Map([...logits].map(([name, rows]) => [name, topClasses(rows)]));
  const sure = new Map([...logits].map(([name, rows]) => [name, confidences(manifest.confidence, rows)]));
  const cascade = cascadeOf(manifest);
  const by = names.map((_, image) => {
    const stage = cascade.find(
      ({ network, threshold }) => threshold === undefined || sure.get(network)![image]! >= threshold,
    );
    return stage!.network;
  });
  const bySystem = new Map<SystemName, Int32Array>([["original-float32", tops.get("original")!]]);
  const int8 = tops.get("original-int8");
  if (int8 !== undefined) bySystem.set("original-int8", int8);
  bySystem.set("compressed", tops.get("compressed")!);
  bySystem.set(
    "twin",
    Int32Array.from(by, (network, image) => tops.get(network)![image]!),
  );
  return { bySystem, by, labels: labels.includes(-1) ? undefined : labels };
}

type Scorer = (system: SystemName, images: readonly number[]) => Score;

/** How a system does on some images. */
const scorer =
  ({ bySystem, labels }: Answers): Scorer =>
  (system, images) => {
    const given = bySystem.get(system)!;
    const original = bySystem.get("original-float32")!;
    const agreement = share(images, (image) => given[image] === original[image]);
    return labels === undefined
      ? { agreement }
      : { agreement, accuracy: share(images, (image) => given[image] === labels[image]) };
  };

const share = (images: readonly number[], holds: (image: number) => boolean): number =>
  images.length === 0 ? 0 : images.filter(holds).length / images.length;

function evaluationOf(manifest: Manifest, collected: Collected): Evaluation {
  const { threshold = Number.POSITIVE_INFINITY, secondThreshold, secondStage, confidence } = manifest;
  const second = secondStage === "original-int8" ? logitsOf(collected, "original-int8") : undefined;
  return evaluateTwin({
    compressed: logitsOf(collected, "compressed"),
    original: logitsOf(collected, "original"),
    ...(second && { second: { logits: second, ...(secondThreshold !== undefined && { threshold: secondThreshold }) } }),
    ...(!collected.labels.includes(-1) && { labels: collected.labels }),
    threshold,
    confidence,
  });
}

function reachOf(manifest: Manifest, { by }: Answers): Map<NetworkName, number> {
  const reach = new Map<NetworkName, number>();
  let left = by.length;
  for (const { network } of cascadeOf(manifest)) {
    reach.set(network, left / by.length);
    left -= by.filter((answerer) => answerer === network).length;
  }
  return reach;
}

function answeredBy({ by }: Answers, scoreOf: Scorer): BenchResult["answeredBy"] {
  return [...new Set(by)].map((network) => {
    const images = [...by.keys()].filter((image) => by[image] === network);
    return { network, images: images.length, ...scoreOf("twin", images) };
  });
}

function outcomesOf({ by, bySystem }: Answers): BenchResult["outcomes"] {
  const compressed = bySystem.get("compressed")!;
  const original = bySystem.get("original-float32")!;
  const outcomes = { kept: { same: 0, different: 0 }, escalated: { same: 0, different: 0 } };
  for (const [image, network] of by.entries()) {
    const outcome = network === "compressed" ? outcomes.kept : outcomes.escalated;
    outcome[compressed[image] === original[image] ? "same" : "different"]++;
  }
  return outcomes;
}

/** Each class that has images: by label, or by the original's answer where there are no labels. */
function classesOf({ labels: names }: Manifest, { by, bySystem, labels }: Answers, scoreOf: Scorer): ClassResult[] {
  const groups = new Map<number, number[]>();
  for (const [image, label] of (labels ?? bySystem.get("original-float32")!).entries()) {
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [image]);
    else group.push(image);
  }
  return [...groups].map(([label, images]) => {
    const accuracy = (system: SystemName): number => scoreOf(system, images).accuracy ?? 0;
    return {
      label: names[label]!,
      images: images.length,
      agreement: scoreOf("twin", images).agreement,
      escalationRate: share(images, (image) => by[image] !== "compressed"),
      ...(labels && {
        accuracy: {
          original: accuracy("original-float32"),
          compressed: accuracy("compressed"),
          twin: accuracy("twin"),
        },
      }),
    };
  });
}
