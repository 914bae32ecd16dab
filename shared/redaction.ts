/**
 * Takes secrets out of text before it leaves a host (P7).
 *
 * A secret is found in whatever spelling a program may print it: plain, base64 (also in the middle of a longer
 * encoded text, URL-safe, or wrapped), hexadecimal, URL-encoded, escaped as in JSON. For that the text is decoded as
 * each of these, tolerantly and as a whole, and the secret's own bytes are searched in the result; so no list of
 * spellings can be incomplete. What a decoder does not know (compression, encryption, two encodings upon each other,
 * a secret cut in pieces by the program) is not found.
 *
 * Independently of known secrets, texts that have the shape of a credential are taken out.
 */
import { type DecodedView, decodedViews } from './redaction-views.ts';

export interface Redaction {
  readonly text: string;
  /** Places replaced, after joining those that touch. */
  readonly redactedCount: number;
}

/** Stands in for a secret. */
export const REDACTED = '[redacted]';

/**
 * Shorter secrets are not searched: four bytes and more are rarely found by chance, while a PIN of "42" would blank
 * ordinary numbers all over a report and tell, by what is blank, what it was.
 */
export const LEAST_SECRET_BYTES = 4;

/** A line of a secret that is worth searching by itself: a key file printed with indentation or other line ends. */
const LEAST_LINE_BYTES = 12;

/** Stands in a text for bytes that were left out of the middle. A secret cut by it is still found by what remains. */
export function cutMark(leftOutBytes: number): string {
  return `\n[${leftOutBytes} bytes left out]\n`;
}

const CUT_MARK = /\n\[\d{1,20} bytes left out\]\n/g;

/** Each is linear: every repetition is bounded or ends at the first character that it excludes. */
const CREDENTIAL_SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
  /(?<=:\/\/)[^\s/:@]{0,256}:[^\s/]{1,512}(?=@)/g,
  // With a digit or padding near its start, unlike the words of "basic authentication".
  /(?<=\b(?:bearer|basic) {1,4})(?=\S{0,200}[0-9=])[A-Za-z0-9+/=_.~-]{8,8192}/gi,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,255}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,255}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /\beyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,1024}/g,
];

/** Half-open, in bytes of the UTF-8 text. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Replaces every occurrence of `secrets`, and everything of a credential's shape, by `[redacted]`. Pure; never throws. */
export function redact(text: string, secrets: readonly Uint8Array[]): Redaction {
  const bytes = Buffer.from(text, 'utf8');
  const needles = needlesOf(secrets);
  const spans = shapeSpans(text);
  if (needles.length > 0) {
    for (const view of decodedViews(bytes)) spans.push(...needles.flatMap((needle) => occurrences(view, needle)));
    spans.push(...cutSpans(text, needles));
  }
  return replaceSpans(bytes, spans);
}

/** The byte strings to search: each secret, without its trailing line end, its lines, and the password within a DSN. */
function needlesOf(secrets: readonly Uint8Array[]): Buffer[] {
  const found = new Map<string, Buffer>();
  for (const secret of secrets) {
    const whole = Buffer.from(secret);
    const text = whole.toString('utf8');
    const lines = text.split(/[\r\n]+/).map((line) => line.trim());
    const candidates = [
      whole,
      // Output that is no UTF-8 has reached us with replacement characters.
      Buffer.from(text, 'utf8'),
      Buffer.from(text.trim(), 'utf8'),
      ...lines.map((line) => Buffer.from(line, 'utf8')).filter((line) => line.length >= LEAST_LINE_BYTES),
      ...passwordsIn(text).map((password) => Buffer.from(password, 'utf8')),
    ];
    for (const candidate of candidates) {
      if (candidate.length >= LEAST_SECRET_BYTES) found.set(candidate.toString('hex'), candidate);
    }
  }
  return [...found.values()];
}

/** Passwords of `scheme://user:password@host` and of `password=… host=…`, as written and as meant. */
function passwordsIn(dsn: string): string[] {
  const written = [
    /:\/\/[^\s/:@]{0,256}:([^\s/]{1,512})@/.exec(dsn)?.[1],
    /\b(?:password|pwd)\s{0,8}=\s{0,8}'((?:[^'\\]|\\.){1,512})'/i.exec(dsn)?.[1],
    /\b(?:password|pwd)\s{0,8}=\s{0,8}([^\s;'&]{1,512})/i.exec(dsn)?.[1],
  ].filter((password) => password !== undefined);
  return written.flatMap((password) => [password, percentDecoded(password), password.replace(/\\(.)/g, '$1')]);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded after all
  }
}

function occurrences(view: DecodedView, needle: Buffer): Span[] {
  const spans: Span[] = [];
  for (let at = view.bytes.indexOf(needle); at !== -1; at = view.bytes.indexOf(needle, at + 1)) {
    spans.push({ from: view.from(at), to: view.to(at + needle.length - 1) });
  }
  return spans;
}

/** What a cut left of a secret: its beginning just before a mark, its end just behind. */
function cutSpans(text: string, needles: readonly Buffer[]): Span[] {
  const bytes = Buffer.from(text, 'utf8');
  return matchSpans(text, CUT_MARK).flatMap(({ from: at, to: behind }) => {
    return needles.flatMap((needle) => [
      ...beginningAtEndOf(bytes.subarray(Math.max(0, at - needle.length), at), needle).map((length) =>
        span(at - length, at),
      ),
      ...endAtStartOf(bytes.subarray(behind, behind + needle.length), needle).map((length) =>
        span(behind, behind + length),
      ),
    ]);
  });
}

function span(from: number, to: number): Span {
  return { from, to };
}

/** Length of the longest beginning of `needle` with which `part` ends; empty if none is worth hiding. */
function beginningAtEndOf(part: Buffer, needle: Buffer): number[] {
  const opening = needle.subarray(0, LEAST_SECRET_BYTES);
  for (let at = part.indexOf(opening); at !== -1; at = part.indexOf(opening, at + 1)) {
    const rest = part.subarray(at);
    if (rest.equals(needle.subarray(0, rest.length))) return [rest.length];
  }
  return [];
}

/** Length of the longest end of `needle` with which `part` starts; empty if none is worth hiding. */
function endAtStartOf(part: Buffer, needle: Buffer): number[] {
  const closing = needle.subarray(-LEAST_SECRET_BYTES);
  for (let at = part.lastIndexOf(closing); at !== -1; at = at === 0 ? -1 : part.lastIndexOf(closing, at - 1)) {
    const start = part.subarray(0, at + closing.length);
    if (start.equals(needle.subarray(-start.length))) return [start.length];
  }
  return [];
}

function shapeSpans(text: string): Span[] {
  return CREDENTIAL_SHAPES.flatMap((shape) => matchSpans(text, shape));
}

/** Where `pattern` matches, in bytes. Counts on from the last match, as counting from the start each time would be quadratic. */
function matchSpans(text: string, pattern: RegExp): Span[] {
  const spans: Span[] = [];
  let doneUnits = 0;
  let doneBytes = 0;
  for (const match of text.matchAll(pattern)) {
    const from = doneBytes + Buffer.byteLength(text.slice(doneUnits, match.index));
    const to = from + Buffer.byteLength(match[0]);
    spans.push({ from, to });
    doneUnits = match.index + match[0].length;
    doneBytes = to;
  }
  return spans;
}

function replaceSpans(bytes: Buffer, spans: readonly Span[]): Redaction {
  const merged = mergeTouching(spans);
  const parts: Buffer[] = [];
  let done = 0;
  for (const { from, to } of merged) {
    parts.push(bytes.subarray(done, from), Buffer.from(REDACTED));
    done = to;
  }
  parts.push(bytes.subarray(done));
  return { text: Buffer.concat(parts).toString('utf8'), redactedCount: merged.length };
}

function mergeTouching(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const last = merged.at(-1);
    if (last !== undefined && span.from <= last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else merged.push(span);
  }
  return merged;
}
