/**
 * What the source report could not dare: the dry run over live data is ruled past its stop gates, the release is found ready,
 * approved by people for exactly its evidence, enabled, run live, killed; and the old order opens nothing any more.
 */
import { join } from 'node:path';
import { EXIT_CODES } from '../../shared/service/failure.ts';
import type { Governed } from './demo-result.ts';
import type { Production } from './production.ts';
import type { Programs } from './programs.ts';

export interface Governing {
  readonly programs: Programs;
  readonly production: Production;
  readonly folder: string;
  readonly home: string;
  readonly host: string;
  readonly app: string;
  /** `NAME@VERSION`. */
  readonly release: string;
}

/** As the ceremony of the demo has it: two of operations and one of security. */
const APPROVERS = ['ops-1', 'ops-2', 'sec-1'] as const;
const THRESHOLD = '2 operations + 1 security';
const VERDICTS = [0, 10, 20, 30];

/** Rules the run past its stop gates and follows it to its verdict. Gives the exit code of the verdict. */
export function rulePast(run: string, { programs, home }: Pick<Governing, 'programs' | 'home'>): number {
  const keys = APPROVERS.flatMap((name) => ['--key', keyOf(home, name)]);
  for (;;) {
    programs.run('keyturn', ['rulings']);
    const reason = 'the numbers are those that were expected';
    programs.run('keyturn', ['rule', 'proceed', run, '--reason', reason, ...keys, '--no-passphrase', '--yes']);
    const code = programs.run('keyturn', ['watch', run], { expected: [...VERDICTS, EXIT_CODES.held] });
    if (code !== EXIT_CODES.held) return code;
  }
}

/** From the checklist to the proof that the old order is dead. */
export async function govern(governing: Governing): Promise<Governed> {
  const { programs, production, host, app, release } = governing;
  programs.run('keyturn', ['readiness', release, '--host', host]);
  const request = approvedRequest(governing);
  const enabled = send(request, governing);
  const before = await production.rows();
  programs.run('keyturn', ['run-live', app, 'live', '--host', host, '--watch']);
  const liveRows = (await production.rows()) - before;
  programs.run('keyturn-agent', ['exec', app, 'live']);
  programs.run('keyturn', ['run-live', app, 'serve', '--host', host]);
  const kill = killed(governing);
  const replay = send(request, governing);
  programs.run('keyturn', ['audit', 'list']);
  programs.run('keyturn', ['audit', 'verify']);
  return {
    enabled: { admitted: enabled.answer === 'admitted', threshold: THRESHOLD },
    liveRows,
    kill,
    replayRefused: replay.code ?? null,
  };
}

/** One approver signs the file, far from any network; the others find it in the inbox. */
function approvedRequest({ programs, folder, home, host, release }: Governing): string {
  const file = join(folder, 'enable.json');
  const reason = 'the cut of today, as proven and ruled';
  const window = ['--for', '30m', '--lease', '5m'];
  programs.run('keyturn', ['enable', 'request', release, '--host', host, ...window, '--reason', reason, '--out', file]);
  const [first, ...others] = APPROVERS;
  const signing = ['--no-passphrase', '--yes'];
  programs.run('keyturn', ['approve', file, '--key', keyOf(home, first), ...signing]);
  const [waiting] = programs.query<{ decisions: { id: string; kind: string }[] }>('keyturn', ['inbox']).decisions;
  if (!waiting) throw new Error('nothing waits in the inbox');
  programs.run('keyturn', ['inbox']);
  for (const name of others) {
    programs.run('keyturn', ['approve', waiting.id, '--key', keyOf(home, name), ...signing]);
  }
  return file;
}

interface Answer {
  readonly answer: string;
  readonly code?: string;
}

function send(request: string, { programs }: Governing): Answer {
  const sent = programs.shown<{ hosts: Answer[] }>('keyturn', ['enable', 'send', request], [0, EXIT_CODES.refused]);
  const [answer] = sent.hosts;
  if (!answer) throw new Error('the order has no host');
  return answer;
}

function killed({ programs, host, app }: Governing): Governed['kill'] {
  const reason = 'the demo is over';
  const argv = ['kill', app, '--host', host, '--reason', reason];
  const { hosts } = programs.shown<{ hosts: { durableMs?: number; goneMs?: number }[] }>('keyturn', argv, [0]);
  const [answer] = hosts;
  return { orderedToDurableMs: answer?.durableMs ?? null, orderedToGoneMs: answer?.goneMs ?? null };
}

function keyOf(home: string, name: string): string {
  return join(home, 'keys', 'approvers', `${name}.pem`);
}
