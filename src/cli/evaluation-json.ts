import type { SystemName } from "../bench/types.ts";
import { type Evaluation, type Manifest, summaryOf } from "../twin/index.ts";

/** What an evaluation found, under the names of bench's JSON; intervals stand beside the figures, under `intervals`. */
export function evaluationJson(name: string, manifest: Manifest, source: string, evaluation: Evaluation): unknown {
  const { images, agreement, escalationRate, labelled, answeredBy, classes, reliability, curve } = evaluation;
  const { guarantee } = manifest;
  return {
    twin: summaryOf(name, manifest),
    images,
    split: { source },
    systems: systemsOf(evaluation),
    escalationRate: escalationRate.value,
    ...(labelled?.recovery !== undefined && { recovery: labelled.recovery }),
    ...(labelled && { drop: { ...labelled.drop, probability: 0.95 } }),
    ...(guarantee && { guarantee }),
    intervals: { agreement, escalationRate, ...(labelled && { accuracy: labelled.accuracy }) },
    answeredBy,
    oracleAgreementRate: evaluation.oracleAgreementRate,
    ...(labelled && { zeroDropRate: labelled.zeroDropRate, oracleZeroDropRate: labelled.oracleZeroDropRate }),
    classes,
    reliability,
    curve,
  };
}

interface Score {
  readonly accuracy?: number | undefined;
  readonly agreement?: number | undefined;
}

function systemsOf({ agreement, oracleAgreementRate, labelled }: Evaluation): Partial<Record<SystemName, Score>> {
  const accuracy = labelled?.accuracy;
  const int8 = accuracy?.["original-int8"];
  return {
    "original-float32": { accuracy: accuracy?.original.value, agreement: 1 },
    ...(int8 && { "original-int8": { accuracy: int8.value } }),
    compressed: { accuracy: accuracy?.compressed.value, agreement: 1 - oracleAgreementRate },
    twin: { accuracy: accuracy?.twin.value, agreement: agreement.value },
  };
}
