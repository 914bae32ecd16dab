/**
 * The words for Keyturn's own kinds of checks: `phrase` when one passed (gate ledger), `criterion` as the condition that
 * it stands for (criteria check). A sentence is put into a document only behind a status that was derived.
 */
import type { CheckRow } from '../../shared/ledger/derive.ts';
import { GATE_TITLES } from '../../shared/ledger/planned-checks.ts';

interface KindWords {
  readonly phrase: string;
  readonly criterion: string;
}

export const KIND_WORDS: Readonly<Record<string, KindWords>> = {
  'build-environment': { phrase: 'build machine recorded', criterion: 'the build machine is on record' },
  repository: { phrase: 'tree clean', criterion: 'the source is the commit that the release names, in a clean tree' },
  'source-tests': { phrase: 'project tests pass', criterion: "the project's own tests pass on the build machine" },
  'source-scan': { phrase: 'no secret in the source', criterion: 'the source holds no secret and no forbidden file' },
  'declared-version': { phrase: 'version declared', criterion: 'the declared version is real' },
  'declared-entrypoints': { phrase: 'entrypoints real', criterion: 'the entrypoints that the plan starts are real' },
  'artifact-digest': { phrase: 'artifact reproducible', criterion: 'the artifact is the one that the release names' },
  'artifact-scan': {
    phrase: 'no forbidden content',
    criterion: 'tree and archive hold no secret and no forbidden file',
  },
  'target-free': { phrase: 'target free', criterion: 'the target path was free' },
  'plan-locked': { phrase: 'plan locked', criterion: 'the host ran the plan that the release engineers signed' },
  tools: { phrase: 'tools present', criterion: 'the tools that the plan requires are present' },
  'secrets-present': { phrase: 'secrets present', criterion: 'the secrets that the plan names are on the host' },
  space: { phrase: 'space enough', criterion: 'there is space for the release' },
  'rollback-defined': { phrase: 'rollback defined', criterion: 'the rollback was defined before anything moved' },
  'fingerprint-before': { phrase: 'host fingerprinted', criterion: 'the host was fingerprinted before the install' },
  anchor: { phrase: 'neighbours unchanged', criterion: 'the preserved neighbours are unchanged' },
  received: { phrase: 'bytes equal the signed digests', criterion: 'the received bytes equal the signed digests' },
  'installed-tree': { phrase: 'tree promoted', criterion: 'the installed tree has the signed tree digest' },
  'one-path-added': { phrase: 'one path added', criterion: 'the install added exactly one path' },
  'refuses-live': { phrase: 'LIVE refused', criterion: 'LIVE execution is refused' },
  dryrun: { phrase: 'dry run clean', criterion: 'the dry run ran to its end and changed nothing' },
  rehearsal: { phrase: 'rollback rehearsed', criterion: 'the rollback was rehearsed and the host was as before' },
  'nothing-runs': { phrase: 'nothing runs', criterion: 'no service, timer, cron job or process refers to the install' },
  'execution-closed': { phrase: 'execution gate closed', criterion: 'the execution gate is closed' },
  report: { phrase: 'documents published', criterion: 'the report set is generated and published' },
};

/** The same condition at several stations of a run. */
const STATION_CRITERIA: Readonly<Record<string, string>> = {
  'g3.anchors-before': 'the preserved neighbours were read before the install',
  'g4.anchors-after': 'the preserved neighbours are unchanged by the install',
  'g7.anchors-rehearsed': 'the preserved neighbours are unchanged by the rollback rehearsal',
};

/** A project's own check goes by the name that its plan gives it. */
export function phraseOf(row: Pick<CheckRow, 'id' | 'kind'>): string {
  return KIND_WORDS[row.kind]?.phrase ?? row.id;
}

export function criterionOf(row: Pick<CheckRow, 'id' | 'kind'>): string {
  const words = STATION_CRITERIA[row.id] ?? KIND_WORDS[row.kind]?.criterion;
  if (words === undefined) return `check ${row.id} (${row.kind}) passes`;
  return row.id.includes('.') ? words : `${words} (${row.id})`;
}

/** `G3 preflight`; a project's own gate has no title. */
export function gateName(gate: string): string {
  const title = Object.hasOwn(GATE_TITLES, gate) ? GATE_TITLES[gate] : undefined;
  return title === undefined ? gate : `${gate} ${title}`;
}
