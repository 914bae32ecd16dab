/**
 * How long the trust metadata still counts: what the control plane publishes now, seen through the root pinned here. Where it
 * does not answer, what this machine saw last. The refresh is looked at and not saved.
 */
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../../../shared/errors.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnoseLife } from '../../../shared/service/doctor/remaining-life.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { expiryOf, fileNameOf } from '../../../shared/trust/tuf-metadata.ts';
import { refreshTrust, type TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { VALIDITY_DAYS } from '../ceremony.ts';
import { renewalOf } from '../expired-metadata.ts';
import type { Home } from '../home.ts';
import { pathsInEveryRole } from '../publication.ts';
import type { DoctorContext } from './doctor-context.ts';

const DAY_MS = 24 * 3600 * 1000;
/** While no policy says another. */
const TIMESTAMP_LIFE_MS = 3600 * 1000;

const OFFLINE_ROLES = ['root', 'targets', 'snapshot'] as const;

export async function examineTrustMetadata(context: DoctorContext): Promise<Diagnosis[]> {
  const { home, now, door } = context;
  const pinned = home.loadTrust();
  try {
    checkMetadata('root', pinned.get(fileNameOf('root')) ?? new Uint8Array());
  } catch (error) {
    return [{ level: 'trouble', statement: `the pinned root cannot be read: ${messageOf(error)}` }];
  }
  const paths = pathsInEveryRole(pinned);
  const asked = await door.ask(async ({ source }) => {
    const { trusted, outcome } = await refreshTrust({
      trusted: pinned,
      source,
      targets: paths.length > 0 ? paths : 'top-level',
      rules: 'keyturn',
      now: new Date(now),
      expiry: 'told',
    });
    // Only what is signed counts here; that nobody answers is the caller's to say.
    if (outcome.kind === 'failed' && outcome.error.shouldRetry()) throw outcome.error;
    return { trusted, failure: outcome.kind === 'failed' ? outcome.error : undefined };
  });
  if ('diagnosis' in asked) {
    const diagnoses = roleDiagnoses(pinned, context);
    return [
      ...diagnoses,
      { ...asked.diagnosis, statement: `as seen here last; what is published is ${asked.diagnosis.statement}` },
    ];
  }
  const { trusted, failure } = asked.answer;
  const diagnoses = [...roleDiagnoses(trusted, context), ...timestampDiagnoses(trusted, context)];
  const isExplained = diagnoses.some(({ level }) => level === 'trouble');
  return failure === undefined || isExplained
    ? diagnoses
    : [...diagnoses, { level: 'trouble', statement: messageOf(failure) }];
}

function roleDiagnoses(trusted: TrustedMetadata, { now, command }: DoctorContext): Diagnosis[] {
  const topLevel = OFFLINE_ROLES.map((role) => ({
    role,
    days: VALIDITY_DAYS[role],
    mend: command(...renewalOf(role)),
  }));
  const releasers = [...trusted.keys()]
    .filter((file) => file.startsWith('release-'))
    .map((file) => file.slice(0, -'.json'.length))
    .map((role) => ({ role, days: VALIDITY_DAYS.release, mend: command(...renewalOf(role)) }));
  return [...topLevel, ...releasers].flatMap(({ role, days, mend }) => {
    const bytes = trusted.get(fileNameOf(role));
    if (bytes === undefined) return [];
    return [diagnoseLife({ what: role, expiresAt: expiryOf(bytes).getTime(), lifeMs: days * DAY_MS, now, mend })];
  });
}

/** The control plane renews it by itself, long before its end. */
function timestampDiagnoses(trusted: TrustedMetadata, { home, now, command }: DoctorContext): Diagnosis[] {
  const bytes = trusted.get(fileNameOf('timestamp'));
  if (bytes === undefined) return [];
  const expiresAt = expiryOf(bytes).getTime();
  return [diagnoseLife({ what: 'timestamp', expiresAt, lifeMs: timestampLifeMs(home), now, mend: command('serve') })];
}

function timestampLifeMs(home: Home): number {
  if (!existsSync(home.policyPath)) return TIMESTAMP_LIFE_MS;
  try {
    return parsePolicy(readFileSync(home.policyPath)).timestampExpiresMs;
  } catch {
    return TIMESTAMP_LIFE_MS; // somebody is editing it: `policy sign` says what is wrong
  }
}
