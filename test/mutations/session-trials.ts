/** Mutations of what is said in a session: Welcome, the directives about releases, a hint, a bare acknowledgement. */

import { zstdCompressSync } from 'node:zlib';
import { sha256 } from '../../shared/digest.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { REPORT_FILES, type ReportObservation, reportKind } from '../../shared/ledger/kinds/report.ts';
import type { Directive } from '../../shared/rpc/generated/messages.ts';
import type { AttackedHost } from './attacked-host.ts';
import { mutatedMessages } from './carriers.ts';
import type { OtherPayloads } from './field-mutations.ts';
import { directiveMessage, encodeControl, encodeMessage } from './honest-answers.ts';
import { type FieldShape, keyOf } from './message-shapes.ts';
import { pathOf, type SignedRepository } from './signed-repository.ts';
import type { Seen, Trial } from './trial.ts';

export const NEW_RUN = '01ARZ3NDEKTSV4RRFFQ69G5FA0';
export const INSTALLED_RUN = '01ARZ3NDEKTSV4RRFFQ69G5FA1';
const OTHER_RUN = '01ARZ3NDEKTSV4RRFFQ69G5FA2';

export function deployOf({ newest }: SignedRepository, runId: string): Directive {
  const statementSha256 = sha256(newest.statementBytes);
  return { kind: 'deploy', deploy: { runId, targetPath: pathOf(newest), statementSha256 } };
}

export const ROLLBACK: Directive = { kind: 'rollback', rollback: { runId: INSTALLED_RUN } };

export const REPORT: Directive = {
  kind: 'recordReport',
  recordReport: {
    runId: INSTALLED_RUN,
    documents: REPORT_FILES.slice(0, -3).map((name) => ({ name, sha256: sha256(name) })),
    sinks: [
      { kind: 'folder', location: '/var/reports', accepted: true },
      { kind: 'git', location: 'reports.git', accepted: true },
    ],
  },
};

export type Effect = Pick<Trial, 'from' | 'isAsHonest' | 'directiveCount'>;

export const DEPLOYS: Effect = {
  from: 'fresh',
  directiveCount: 1,
  isAsHonest: (host) => [...host.journal.runs().values()].some(({ phase }) => phase === 'proven'),
};

export const ROLLS_BACK: Effect = {
  from: 'installed',
  directiveCount: 1,
  isAsHonest: (host) => host.journal.runs().get(INSTALLED_RUN)?.phase === 'rolledBack' && host.isPristine(),
};

export const RECORDS: Effect = {
  from: 'installed',
  directiveCount: 1,
  isAsHonest: (host) => host.journal.runs().get(INSTALLED_RUN)?.isReported === true && isJudgedAsRecorded(host),
};

export const SAYS_NOTHING: Effect = {
  from: 'installed',
  directiveCount: 0,
  isAsHonest: (_host, { ended, refusals }: Seen) => ended === 'probe' && refusals.length === 0,
};

/** The receipt passes exactly if 01 to 07 are there in three forms, none twice or without digest, and every sink took them. */
function isJudgedAsRecorded(host: AttackedHost): boolean {
  const bytes = host.journal.rows().get('ledger_entries')?.at(-1)?.bytes as Buffer;
  const { body } = parseEntry(bytes).entry;
  if (body.type !== 'check-recorded' || body.evidence.result.did !== 'observe') return false;
  const seen = body.evidence.result.observation as unknown as ReportObservation;
  const names = new Set(seen.documents.map(({ name }) => name));
  const needed = [1, 2, 3, 4, 5, 6, 7].flatMap((number) => ['md', 'html', 'json'].map((form) => [`0${number}-`, form]));
  const isTrue =
    needed.every(([start = '', end = '']) => [...names].some((name) => name.startsWith(start) && name.endsWith(end))) &&
    names.size === seen.documents.length &&
    seen.documents.every((document) => /^[0-9a-f]{64}$/.test(document.sha256)) &&
    seen.sinks.length > 0 &&
    seen.sinks.every(({ ok }) => ok);
  const { expectations } = reportKind.judge({ documents: 7 }, seen);
  return expectations.every(({ met }) => met) === isTrue;
}

export function sessionTrials(repository: SignedRepository): Trial[] {
  const others = otherPayloads(repository);
  const directive = (name: string, effect: Effect, content: Directive) =>
    trialsOf(others, { carrier: `${name} directive`, effect, message: (seq) => directiveMessage(seq, content) });
  const welcome = (seq: number) =>
    encodeControl({ seq: 0, ack: 0, body: 'welcome', welcome: { lastDirectiveSeq: seq - 1 } });
  return [
    ...directive('deploy', DEPLOYS, deployOf(repository, NEW_RUN)),
    ...directive('rollback', ROLLS_BACK, ROLLBACK),
    ...directive('report', RECORDS, REPORT),
    ...trialsOf(others, {
      carrier: 'trust hint',
      effect: SAYS_NOTHING,
      message: () => encodeControl({ seq: 0, ack: 0, body: 'trustHint', trustHint: {} }),
    }),
    ...trialsOf(others, {
      carrier: 'bare acknowledgement',
      effect: SAYS_NOTHING,
      message: () => encodeMessage('ControlToAgent', { seq: 0, ack: 0 }),
    }),
    ...atWelcome(trialsOf(others, { carrier: 'welcome', effect: SAYS_NOTHING, message: welcome })),
  ];
}

export interface Carrier {
  readonly carrier: string;
  readonly effect: Effect;
  /** `seq` is the number of the next directive. */
  readonly message: (seq: number) => Buffer;
}

/** The list of mutations is drawn up over number 7, and each is made anew over the number that is due. */
export function trialsOf(others: OtherPayloads, { carrier, effect, message }: Carrier): Trial[] {
  const drawnUp = mutatedMessages({ name: 'ControlToAgent', bytes: message(7) }, others);
  return drawnUp.flatMap(({ field, mutation, bytes }) => {
    if (bytes.equals(message(7))) return [];
    const only = { field, mutation };
    const anew = (seq: number) => mutatedMessages({ name: 'ControlToAgent', bytes: message(seq), only }, others);
    const say = (seq: number) => [anew(seq)[0]?.bytes ?? bytes];
    return [{ carrier, field, mutation, ...effect, say }];
  });
}

/** What was to be said is the answer to Hello instead. */
function atWelcome(trials: readonly Trial[]): Trial[] {
  return trials.map((trial) => ({
    ...trial,
    isAtWelcome: true,
    say: () => [],
    answers: { welcome: (hello) => trial.say(hello.ack + 1) },
  }));
}

/** What is right in the same place of another message. */
export function otherPayloads(repository: SignedRepository): OtherPayloads {
  const { newest, older } = repository;
  const text = (...texts: string[]) => texts.map((other) => Buffer.from(other));
  const runs = text(OTHER_RUN, INSTALLED_RUN, 'run-7');
  const deploy = deployOf(repository, OTHER_RUN);
  const payloads: Readonly<Record<string, readonly Buffer[]>> = {
    'ControlToAgent.welcome': [encodeMessage('Welcome', { lastDirectiveSeq: 9 })],
    'ControlToAgent.directive': [encodeMessage('Directive', deploy), encodeMessage('Directive', ROLLBACK)],
    'ControlToAgent.trustHint': [Buffer.alloc(0)],
    'Directive.deploy': [encodeMessage('Deploy', deploy.kind === 'deploy' ? deploy.deploy : {})],
    'Directive.rollback': [encodeMessage('Rollback', { runId: INSTALLED_RUN })],
    'Directive.recordReport': [encodeMessage('RecordReport', { runId: INSTALLED_RUN })],
    'Deploy.runId': runs,
    'Deploy.targetPath': text(
      pathOf(older),
      'policy.json',
      'cutter/9.9.json',
      `${pathOf(newest)}/../${pathOf(newest)}`,
    ),
    'Deploy.statementSha256': text(
      sha256(older.statementBytes),
      newest.statement.treeDigest,
      newest.statement.plan.sha256,
    ),
    'Rollback.runId': runs,
    'RecordReport.runId': runs,
    'RecordReport.documents': [
      encodeMessage('ReportDocument', { name: '08-final-report.md', sha256: sha256('another') }),
    ],
    'RecordReport.sinks': [encodeMessage('ReportSink', { kind: 'http', location: 'example.org', accepted: true })],
    'ReportDocument.name': text('08-final-report.md', '03-artifact.md', '../03-artifact.md', 'another.md'),
    'ReportDocument.sha256': text(sha256('another')),
    'ReportSink.kind': text('http'),
    'ReportSink.location': text('/elsewhere'),
    'MetadataPiece.data': [repository.files.get('1.snapshot.json') as Buffer],
    'ContentParcel.plain': [[...newest.blobs.values()][0] as Buffer],
    'ContentParcel.zstd': [zstdCompressSync([...newest.blobs.values()][0] as Buffer)],
    'ContentParcel.zstdAgainstBases': [zstdCompressSync([...newest.blobs.values()][0] as Buffer)],
  };
  return (field: FieldShape) => payloads[keyOf(field)] ?? [];
}
