import * as fc from "fast-check";

// The same cases in every run: what passes here passes everywhere. FC_SEED=$RANDOM looks at others.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });
