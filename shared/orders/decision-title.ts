/** What a decision is about, in one line: read from what is signed, before anybody has signed it. */
import { decodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { isJsonObject } from '../trust/strict-json.ts';
import type { DecisionRequest } from './decision-request.ts';

const CHARACTERS = 200;

/** Errors: `RejectedError('decision-malformed')` where the payload is no statement. */
export function decisionTitle({ kind, payload, leaves }: DecisionRequest): string {
  const statement: unknown = decodeCanonical(payload, 'decision');
  const predicate = isJsonObject(statement) ? statement.predicate : undefined;
  if (!isJsonObject(predicate)) {
    throw new RejectedError('decision-malformed', 'failed to read decision: its payload is no statement');
  }
  const text = (name: string) => String(predicate[name] ?? '?');
  const titles = {
    enable: `enable ${text('app')}@${text('version')} on ${leaves.length === 1 ? '1 host' : `${leaves.length} hosts`}: ${text('reason')}`,
    ruling: `${text('decision')} ${text('check')} on ${text('host')}: ${text('reason')}`,
    kill: `kill ${text('app')}: ${text('reason')}`,
  };
  return titles[kind].slice(0, CHARACTERS).toWellFormed();
}
