/**
 * What a host needs to join, as one file that somebody carries to it. It pins the trust root and a baseline, so that a
 * fresh host can neither be given another root nor be shown an older state.
 */
import { z } from 'zod';

import { encodeCanonical } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeBase64 } from '../trust/base64.ts';
import { HOST_PATTERN } from './peer-identity.ts';

const ADDRESS_PATTERN = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]{1,253}):[0-9]{1,5}$/i;
const MEMBER_PATTERN = /^[a-z][a-z0-9-]*\.json$/;

const address = z.string().regex(ADDRESS_PATTERN);
const metadata = z
  .string()
  .max(Math.ceil(LIMITS.trustMetadataBytes / 3) * 4)
  .transform((text, context) => {
    const bytes = decodeBase64(text);
    if (bytes !== undefined && bytes.length > 0) return bytes;
    context.addIssue({ code: 'custom', message: 'expected bytes in base64' });
    return z.NEVER;
  });

const schema = z.strictObject({
  schema: z.literal('keyturn.enrolment/v1'),
  host: z.string().regex(HOST_PATTERN),
  /** Both as `host:port`. */
  addresses: z.strictObject({ join: address, gateway: address }),
  /** PEM. */
  caCertificate: z.string().max(16 * 1024),
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** Trusted metadata by file name; `root.json`, `timestamp.json`, `snapshot.json` and `targets.json` are always there. */
  trust: z
    .record(z.string().regex(MEMBER_PATTERN), metadata)
    .refine(
      (files) =>
        ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'].every((name) => Object.hasOwn(files, name)),
      {
        error: 'expected root, timestamp, snapshot and targets',
      },
    ),
});

export type EnrolmentBundle = z.infer<typeof schema>;

/** One TUF file is at most 1 MiB; a bundle holds the four and a few delegated roles. */
export const ENROLMENT_BUNDLE_BYTES = 16 * 1024 * 1024;

export function encodeEnrolmentBundle(bundle: EnrolmentBundle): Buffer {
  const trust = Object.fromEntries(
    Object.entries(bundle.trust).map(([name, bytes]) => [name, bytes.toString('base64')]),
  );
  const encoded = encodeCanonical({ ...bundle, trust });
  parseEnrolmentBundle(encoded);
  return encoded;
}

/** Errors: `RejectedError('enrolment-bundle-malformed')` with a hint. */
export function parseEnrolmentBundle(bytes: Uint8Array): EnrolmentBundle {
  if (bytes.byteLength > ENROLMENT_BUNDLE_BYTES) throw malformed(`it has more than ${ENROLMENT_BUNDLE_BYTES} bytes`);
  const parsed = schema.safeParse(readJson(bytes));
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  return parsed.data;
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}

function malformed(reason: string, cause?: unknown): RejectedError {
  return new RejectedError('enrolment-bundle-malformed', `failed to read enrolment bundle: ${reason}`, {
    cause,
    hint: 'make a new one with: keyturn host token',
  });
}
