/** What an envelope says before anybody has verified it: enough to find documents by, and for nothing else. */
import { decodeCanonical } from '../canonical-json.ts';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { parseEnvelope } from '../trust/dsse.ts';
import { isJsonArray, isJsonObject, type JsonObject } from '../trust/strict-json.ts';

export interface ClaimedStatement {
  readonly predicateType: string;
  /** The first subject. */
  readonly subject: { readonly name: string; readonly sha256: Sha256 };
  readonly predicate: JsonObject;
}

/** Undefined for what cannot be read. */
export function claimedStatement(document: Uint8Array): ClaimedStatement | undefined {
  try {
    return statementIn(decodeCanonical(parseEnvelope(document).payload, 'statement'));
  } catch (error) {
    if (error instanceof RejectedError) return undefined;
    throw error;
  }
}

function statementIn(payload: unknown): ClaimedStatement | undefined {
  if (!isJsonObject(payload)) return undefined;
  const { subject, predicateType, predicate } = payload;
  const [about] = isJsonArray(subject) ? subject : [];
  if (!isJsonObject(about) || !isJsonObject(about.digest) || !isJsonObject(predicate)) return undefined;
  const { name, digest } = about;
  if (typeof predicateType !== 'string' || typeof name !== 'string' || typeof digest.sha256 !== 'string')
    return undefined;
  return { predicateType, subject: { name, sha256: digest.sha256 }, predicate };
}
