import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  detectSandbox,
  type ProcessOutcome,
  runInSandbox,
  type Sandbox,
  type SandboxLimits,
  type SandboxSpec,
} from '../../../host-agent/sandbox/sandbox.ts';
import { skipAloud } from '../../support/skip.ts';

/** Generous for a busy machine; tests of a limit lower that one. */
export const ROOMY_LIMITS: SandboxLimits = {
  wallMs: 30_000,
  cpuSeconds: 20,
  memoryBytes: 512 * 1024 * 1024,
  processCount: 64,
  fileBytes: 64 * 1024 * 1024,
  outputBytes: 256 * 1024,
  tmpBytes: 64 * 1024 * 1024,
  killGraceMs: 200,
};

/**
 * A host with an installed tree below a folder of mode 0700 (as `mkdtemp` makes them, and as many install roots are),
 * and beside the tree a folder that must stay hidden.
 */
export class SandboxWorld {
  readonly root = mkdtempSync(join(tmpdir(), 'keyturn-sandbox-'));
  readonly tree = join(this.root, 'app');
  readonly state = join(this.root, 'state');
  readonly sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    mkdirSync(this.tree, { mode: 0o755 });
    mkdirSync(this.state, { mode: 0o755 });
    writeFileSync(join(this.tree, 'installed.txt'), 'as installed');
    writeFileSync(join(this.state, 'journal.db'), 'private');
  }

  spec(argv: SandboxSpec['argv'], changes: Partial<SandboxSpec> = {}): SandboxSpec {
    return {
      argv,
      tree: this.tree,
      cwd: this.tree,
      network: 'none',
      hidden: [this.state],
      fd3: 'closed',
      limits: ROOMY_LIMITS,
      ...changes,
    };
  }

  run(argv: SandboxSpec['argv'], changes: Partial<SandboxSpec> = {}): Promise<ProcessOutcome> {
    return runInSandbox(this.spec(argv, changes), this.sandbox);
  }

  python(script: string, changes: Partial<SandboxSpec> = {}): Promise<ProcessOutcome> {
    return this.run(['/usr/bin/python3', '-c', script], changes);
  }

  /** Everything on disk, to be compared with what it was. */
  onDisk(): Record<string, string> {
    const files = readdirSync(this.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Object.fromEntries(
      files.map((entry) => [join(entry.parentPath, entry.name).slice(this.root.length), contentOf(entry)]),
    );
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

function contentOf(entry: { parentPath: string; name: string }): string {
  return readFileSync(join(entry.parentPath, entry.name), 'utf8');
}

/** The host's sandbox; without one the suite is skipped, and says so. */
export async function requireSandbox(context: Mocha.Context): Promise<Sandbox> {
  const sandbox = await detectSandbox();
  if (sandbox === undefined) {
    return skipAloud(context, 'no bubblewrap of at least 0.8.0 that isolates on this machine');
  }
  return sandbox;
}

/** Command lines of running processes that hold `text`, ours excepted. */
export function processesSaying(text: string): string[] {
  return pidsSaying(text).map(commandLineOf);
}

/** Pids of running processes whose command line holds `text`, ours excepted. */
export function pidsSaying(text: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => pid !== process.pid && commandLineOf(pid).includes(text));
}

function commandLineOf(pid: number): string {
  return textOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

/** Running (not dead) processes of a user. */
export function pidsOfUser(uid: number): string[] {
  return readdirSync('/proc').filter((name) => {
    const status = /^\d+$/.test(name) ? textOrEmpty(`/proc/${name}/status`) : '';
    return new RegExp(`^Uid:\\s+${uid}\\b`, 'm').test(status) && !/^State:\s+Z/m.test(status);
  });
}

function textOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended while we looked
  }
}
