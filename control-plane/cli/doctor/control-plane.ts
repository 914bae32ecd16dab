/** The control plane as this machine reaches it: TCP, TLS with both identities, health, and whether our certificates count. */
import { existsSync } from 'node:fs';
import { messageOf, RejectedError } from '../../../shared/errors.ts';
import { CONTROL_PLANE_NAME } from '../../../shared/rpc/credentials.ts';
import type { Role } from '../../../shared/rpc/peer-identity.ts';
import { probeTls, type TlsAnswer, type TlsFailure } from '../../../shared/rpc/tls-probe.ts';
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { instantText } from '../../../shared/service/doctor/remaining-life.ts';
import { parseAddress } from '../address.ts';
import { connectOperator } from '../client.ts';
import { askHealth } from '../client-health.ts';
import type { OperatorFile } from '../home.ts';
import { usableOperators } from './control-plane-door.ts';
import type { DoctorContext } from './doctor-context.ts';

/** Both together less than an examination may take. */
const PROBE_MS = 1_000;
const ANSWER_MS = 800;

export async function examineControlPlane(context: DoctorContext): Promise<readonly Diagnosis[]> {
  const operators = usableOperators(context.home);
  const [first] = operators;
  if (first === undefined)
    return [
      { level: 'warning', statement: 'not examined: there is no client certificate in this home that can be used' },
    ];
  const { address, ...identity } = first.operator;
  const answer = await probeTls({
    ...parseAddress(address, 'operator file'),
    serverName: CONTROL_PLANE_NAME,
    identity,
    timeoutMs: PROBE_MS,
  });
  // A certificate that the server does not take says nothing about the server: each is judged by itself below.
  if (answer.kind !== 'answered' && answer.kind !== 'identity-refused')
    return [failureDiagnosis(address, answer, context)];
  const [health, admissions] = await Promise.all([
    answer.kind === 'answered' ? healthDiagnoses(first.operator, answer) : [],
    Promise.all(operators.map(admissionDiagnoses)),
  ]);
  return [...health, ...admissions.flat()];
}

async function healthDiagnoses(
  operator: OperatorFile,
  { serverExpiresAt }: Extract<TlsAnswer, { kind: 'answered' }>,
): Promise<Diagnosis[]> {
  const tls: Diagnosis = {
    level: 'ok',
    statement: `${operator.address}: the control plane of this ceremony, its certificate until ${instantText(serverExpiresAt)}`,
  };
  try {
    const { isServing, roundTripMs } = await askHealth(operator, { timeoutMs: ANSWER_MS });
    const statement = `health: ${isServing ? 'serving' : 'not serving'}, one round trip in ${roundTripMs.toFixed(1)} ms`;
    return [tls, { level: isServing ? 'ok' : 'trouble', statement }];
  } catch (error) {
    return [tls, ofError(error)];
  }
}

/** Refusals that mean the certificate, and no permission or content. */
const IDENTITY_CODES = /^(certificate|identity)-/;

async function admissionDiagnoses({ role, operator }: { role: Role; operator: OperatorFile }): Promise<Diagnosis[]> {
  const client = connectOperator(operator);
  try {
    // The first piece of the smallest thing that everybody may read.
    for await (const _piece of client.fetchMetadata({ name: 'timestamp.json' }, { timeoutMs: ANSWER_MS })) break;
    return [{ level: 'ok', statement: `the ${role} is let in` }];
  } catch (error) {
    if (!(error instanceof RejectedError))
      return [{ level: 'trouble', statement: `the ${role} is not let in: ${messageOf(error)}${NEW_CERTIFICATE}` }];
    // That nothing is published yet was answered to somebody who was let in.
    if (!IDENTITY_CODES.test(error.code)) return [{ level: 'ok', statement: `the ${role} is let in` }];
    return [{ level: 'trouble', statement: `the ${role} is not let in: ${refusalText(error.code)}${NEW_CERTIFICATE}` }];
  } finally {
    client.close();
  }
}

const NEW_CERTIFICATE = '; whoever runs the control plane issues a new one with keyturn operator issue';

function refusalText(code: string): string {
  if (code === 'certificate-revoked') return 'its certificate is revoked';
  if (code === 'certificate-unknown') return 'this control plane has never issued its certificate';
  return code;
}

const FAILURE_TEXTS: Readonly<Record<TlsFailure, string>> = {
  'name-unknown': 'no such host name',
  refused: 'the connection is refused, nobody listens there',
  unreachable: 'there is no way to it',
  'no-connection': 'nobody takes the connection, a firewall may drop it',
  silent: 'the connection is taken, and then nothing is said',
  'no-tls': 'somebody listens there who does not speak TLS',
  'other-authority': 'its certificate is of another authority: it is the control plane of another ceremony',
  'server-expired': 'its certificate has expired, and it issues itself a new one at every start',
  'server-not-yet-valid': 'its certificate is not valid yet: compare the clocks of both machines',
  'other-server': 'its certificate is of this authority, and not for a control plane',
  'identity-refused': 'it ends the connection when it sees the client certificate',
  failed: 'no connection',
};

/** What starting the control plane mends. */
const MENDED_BY_START: ReadonlySet<TlsFailure> = new Set(['refused', 'silent', 'server-expired']);

function failureDiagnosis(
  address: string,
  { kind, reason }: Exclude<TlsAnswer, { kind: 'answered' }>,
  { home, command }: DoctorContext,
): Diagnosis {
  // On another machine it has another home.
  const start = existsSync(home.controlPlane) ? command('serve') : 'keyturn serve';
  const statement = `${address}: ${FAILURE_TEXTS[kind]} (${reason})`;
  return { level: 'trouble', statement, ...(MENDED_BY_START.has(kind) ? { mend: start } : {}) };
}
