/** Sound messages in the wrong order, the wrong number, or the wrong place. */
import { sha256 } from '../../shared/digest.ts';
import type { ControlToAgent, Directive } from '../../shared/rpc/generated/messages.ts';
import { directiveMessage, encodeControl } from './honest-answers.ts';
import {
  DEPLOYS,
  deployOf,
  INSTALLED_RUN,
  NEW_RUN,
  RECORDS,
  REPORT,
  ROLLBACK,
  ROLLS_BACK,
  SAYS_NOTHING,
} from './session-trials.ts';
import { pathOf, type SignedRepository } from './signed-repository.ts';
import type { Trial } from './trial.ts';

const UNKNOWN_RUN: Directive = { kind: 'rollback', rollback: { runId: '01ARZ3NDEKTSV4RRFFQ69G5FZZ' } };
const HINT = encodeControl({ seq: 0, ack: 0, body: 'trustHint', trustHint: {} });

type Row = Pick<Trial, 'mutation' | 'say'> & Partial<Trial>;

export function sequenceTrials(repository: SignedRepository): Trial[] {
  const deploy = deployOf(repository, NEW_RUN);
  return [
    ...rows('directive order', SAYS_NOTHING, directiveOrders(deploy)),
    ...rows('directive order', DEPLOYS, repeatedDeploys(repository, deploy)),
    ...rows('directive order', ROLLS_BACK, [
      { mutation: 'a rollback twice', directiveCount: 2, say: (seq) => said(seq, ROLLBACK, ROLLBACK) },
      { mutation: 'a rollback, then its report', directiveCount: 2, say: (seq) => said(seq, ROLLBACK, REPORT) },
    ]),
    ...rows('directive order', RECORDS, [
      { mutation: 'a report twice', directiveCount: 2, say: (seq) => said(seq, REPORT, REPORT) },
    ]),
    ...rows('directive order', { ...SAYS_NOTHING, from: 'fresh' }, [
      { mutation: 'a rollback of what is not there', directiveCount: 1, say: (seq) => said(seq, ROLLBACK) },
      { mutation: 'a report of what is not there', directiveCount: 1, say: (seq) => said(seq, REPORT) },
    ]),
    ...rows('session order', SAYS_NOTHING, openings(deploy)),
    ...rows('acknowledgement order', SAYS_NOTHING, acknowledgements()),
  ];
}

function rows(field: string, effect: Pick<Trial, 'from' | 'isAsHonest' | 'directiveCount'>, all: Row[]): Trial[] {
  return all.map((row) => ({ carrier: 'sequence', field, ...effect, ...row }));
}

function said(seq: number, ...directives: Directive[]): Buffer[] {
  return directives.map((directive, index) => directiveMessage(seq + index, directive));
}

/** None of these leads to the deploy. */
function directiveOrders(deploy: Directive): Row[] {
  return [
    { mutation: 'a gap of one', say: (seq) => said(seq + 1, deploy) },
    { mutation: 'a gap of a million', say: (seq) => said(seq + 1_000_000, deploy) },
    { mutation: 'two in the wrong order', say: (seq) => said(seq, UNKNOWN_RUN, deploy).reverse() },
    { mutation: 'the last number with other bytes', say: (seq) => said(seq - 1, UNKNOWN_RUN) },
    { mutation: 'the first number with other bytes', say: () => said(1, UNKNOWN_RUN) },
    { mutation: 'number 0', say: () => said(0, deploy) },
    {
      mutation: 'the same number twice with other bytes',
      directiveCount: 1,
      say: (seq) => [directiveMessage(seq, UNKNOWN_RUN), directiveMessage(seq, deploy)],
    },
  ];
}

function repeatedDeploys(repository: SignedRepository, deploy: Directive): Row[] {
  const { older } = repository;
  const olderDeploy: Directive = {
    kind: 'deploy',
    deploy: { runId: NEW_RUN, targetPath: pathOf(older), statementSha256: sha256(older.statementBytes) },
  };
  return [
    {
      mutation: 'the same directive under the same number twice',
      say: (seq) => [directiveMessage(seq, deploy), directiveMessage(seq, deploy)],
    },
    { mutation: 'the same run under two numbers', directiveCount: 2, say: (seq) => said(seq, deploy, deploy) },
    {
      mutation: 'the same run for another release',
      directiveCount: 2,
      say: (seq) => said(seq, deploy, olderDeploy),
    },
    {
      mutation: 'the same release in another run',
      directiveCount: 2,
      say: (seq) => said(seq, deploy, deployOf(repository, '01ARZ3NDEKTSV4RRFFQ69G5FA7')),
    },
    {
      mutation: 'the id of a run that stands',
      from: 'installed',
      directiveCount: 1,
      say: (seq) => said(seq, deployOf(repository, INSTALLED_RUN)),
      isAsHonest: () => false,
    },
    {
      mutation: 'a release that stands already',
      from: 'installed',
      directiveCount: 1,
      say: (seq) => said(seq, deploy),
      isAsHonest: (host) => host.journal.runs().get(NEW_RUN)?.phase === 'proven',
    },
  ];
}

/** How a session may begin: with Welcome, once, and with nothing else. */
function openings(deploy: Directive): Row[] {
  const welcome = (ack: number, seq: number) =>
    encodeControl({ seq: 0, ack, body: 'welcome', welcome: { lastDirectiveSeq: seq } });
  const bare = { seq: 0, ack: 0 } as ControlToAgent;
  const opening = (mutation: string, open: (seq: number) => readonly Buffer[]): Row => ({
    mutation,
    isAtWelcome: true,
    say: () => [],
    answers: { welcome: ({ ack }) => open(ack + 1) },
  });
  return [
    opening('two Welcomes', (seq) => [welcome(0, seq), welcome(0, seq)]),
    opening('a directive in front of Welcome', (seq) => [directiveMessage(seq, deploy), welcome(0, seq)]),
    opening('a directive in place of Welcome', (seq) => [directiveMessage(seq, deploy)]),
    opening('a hint in front of Welcome', (seq) => [HINT, welcome(0, seq)]),
    opening('an acknowledgement in front of Welcome', (seq) => [encodeControl(bare), welcome(0, seq)]),
    opening('an empty message in front of Welcome', (seq) => [Buffer.alloc(0), welcome(0, seq)]),
    { mutation: 'a second Welcome later', say: (seq) => [HINT, welcome(0, seq)] },
    { mutation: 'a Welcome between two hints', say: (seq) => [HINT, welcome(0, seq), HINT] },
    { mutation: 'a thousand hints', say: () => Array.from({ length: 1000 }, () => HINT) },
    { mutation: 'a thousand empty messages', say: () => Array.from({ length: 1000 }, () => Buffer.alloc(0)) },
  ];
}

function acknowledgements(): Row[] {
  const ack = (id: number) => encodeControl({ seq: 0, ack: id } as ControlToAgent);
  return [
    { mutation: 'the same twice', say: () => [ack(1), ack(1)] },
    { mutation: 'backwards', say: () => [ack(2), ack(1)] },
    { mutation: 'of a report far ahead', say: () => [ack(1_000_000)] },
    { mutation: 'of a report far ahead, then of none', say: () => [ack(1_000_000), ack(0)] },
  ];
}
