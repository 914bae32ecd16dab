/**
 * Looks for files of forbidden names and for secrets, with the maintained rules of secretlint. What it finds it names by
 * path, rule and line; a value never leaves this module (P7).
 */
import picomatch from 'picomatch';
import { SCAN_PLACE_COUNT, type ScanObservation } from '../../shared/ledger/kinds/scan-observation.ts';
import { LIMITS } from '../../shared/limits.ts';
import { loadSecretRules, type SecretRules } from './secret-rules.ts';

/** Names that no release may have, whatever its plan says; matched in any case against each folder and file. */
export const FORBIDDEN_NAMES: readonly string[] = [
  '.env*',
  '*.pem',
  '*.key',
  'id_rsa*',
  '*.p12',
  '*.pfx',
  '.netrc',
  '*.kdbx',
];

/** git's own rule: a NUL in the first 8,000 bytes makes a file binary. */
const SNIFFED_BYTES = 8000;

export interface ScannedFile {
  readonly path: string;
  readonly kind: 'file' | 'symlink';
  readonly size: number;
  /** The whole content; asked for only where the file is small enough to be searched. */
  read(): Promise<Buffer> | Buffer;
}

export interface Scan {
  add(file: ScannedFile): Promise<void>;
  result(): ScanObservation;
}

/** Begins a scan with the plan's own forbidden patterns beside the built-in ones. */
export async function startScan(forbid: readonly string[]): Promise<Scan> {
  const rules = await loadSecretRules();
  const matchers = [...FORBIDDEN_NAMES, ...forbid].map((pattern) => ({
    pattern,
    matches: picomatch(pattern, { dot: true, nocase: true }),
  }));
  return new RunningScan(rules, matchers);
}

interface NameMatcher {
  readonly pattern: string;
  readonly matches: (path: string) => boolean;
}

class RunningScan implements Scan {
  readonly #rules: SecretRules;
  readonly #matchers: readonly NameMatcher[];
  readonly #counts = { files: 0, searched: 0, binary: 0, tooLarge: 0 };
  readonly #forbidden: { path: string; pattern: string }[] = [];
  readonly #secrets: { path: string; rule: string; line: number }[] = [];

  constructor(rules: SecretRules, matchers: readonly NameMatcher[]) {
    this.#rules = rules;
    this.#matchers = matchers;
  }

  async add(file: ScannedFile): Promise<void> {
    this.#counts.files += 1;
    const names = namesOf(file.path);
    const forbidden = this.#matchers.find(({ matches }) => names.some((name) => matches(name)));
    if (forbidden) this.#forbidden.push({ path: file.path, pattern: forbidden.pattern });
    if (file.kind === 'file') await this.#searchContent(file);
  }

  result(): ScanObservation {
    return {
      ...this.#counts,
      forbiddenCount: this.#forbidden.length,
      forbidden: this.#forbidden.slice(0, SCAN_PLACE_COUNT),
      secretCount: this.#secrets.length,
      secrets: this.#secrets.slice(0, SCAN_PLACE_COUNT),
      rules: this.#rules.version,
    };
  }

  async #searchContent(file: ScannedFile): Promise<void> {
    if (file.size > LIMITS.searchedFileBytes) {
      this.#counts.tooLarge += 1;
      return;
    }
    const text = textOf(await file.read());
    if (text === undefined) {
      this.#counts.binary += 1;
      return;
    }
    this.#counts.searched += 1;
    const found = await this.#rules.search(file.path, text);
    this.#secrets.push(...found.map(({ rule, line }) => ({ path: file.path, rule, line })));
  }
}

/** A path, each folder above it, and the last segment of each: `.env*` is meant for a folder `.env.d` as well. */
function namesOf(path: string): string[] {
  const segments = path.split('/');
  return segments.flatMap((segment, index) => [segment, segments.slice(0, index + 1).join('/')]);
}

/** Undefined for a binary file. Editors on Windows write UTF-16, which is full of NULs. */
function textOf(content: Buffer): string | undefined {
  if (content[0] === 0xff && content[1] === 0xfe) return new TextDecoder('utf-16le').decode(content);
  if (content[0] === 0xfe && content[1] === 0xff) return new TextDecoder('utf-16be').decode(content);
  if (content.subarray(0, SNIFFED_BYTES).includes(0)) return undefined;
  return content.toString('utf8');
}
