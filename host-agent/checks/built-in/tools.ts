import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ToolsObservation } from '../../../shared/ledger/kinds/tools.ts';
import type { Plan } from '../../../shared/release/plan.ts';
import { findVersion } from '../../../shared/release/version-range.ts';
import {
  detectNoSandbox,
  type ProcessOutcome,
  runInSandbox,
  runUnconfined,
  type SandboxSpec,
} from '../../sandbox/sandbox.ts';
import { FIXED_ENVIRONMENT } from '../../sandbox/spec.ts';
import { blocked, type CheckContext, type Observe, observed } from '../observe.ts';

type WantedTool = Plan['requires']['tools'][string];
type SeenTool = ToolsObservation['tools'][number];

/** Nothing of the release is on the host yet; the tools' own folder stands in for the tree. */
const TREE = '/usr';
const MIB = 1024 * 1024;

/** Looks each tool up on the PATH that checks get, and asks it for its version inside the sandbox if the plan wants one. */
export const observeTools: Observe = async (context) => {
  const wanted = Object.entries(context.release.plan.requires.tools);
  const asks = wanted.some(([, tool]) => tool.version !== undefined);
  if (asks && !context.sandbox && context.sandboxRule === 'required') {
    return blocked('no bubblewrap on this host to ask tools for their versions in', ['bubblewrap']);
  }
  const tools: SeenTool[] = [];
  for (const [name, tool] of wanted) tools.push(await seeTool(name, { tool, context }));
  return observed({ tools } satisfies ToolsObservation);
};

async function seeTool(
  name: string,
  { tool, context }: { tool: WantedTool; context: CheckContext },
): Promise<SeenTool> {
  const path = findOnPath(name);
  if (path === undefined) return { name };
  if (tool.version === undefined) return { name, path };
  const outcome = await start(specOf([name, ...tool.argv], context), context);
  // Some tools tell their version on stderr; a tool that fails tells none.
  const isTold = outcome?.ended.by === 'exit' && outcome.ended.code === 0;
  const version = isTold ? findVersion(`${outcome.stdout.text}\n${outcome.stderr.text}`) : undefined;
  return { name, path, ...(version !== undefined && { version }) };
}

async function start(spec: SandboxSpec, { sandbox }: CheckContext): Promise<ProcessOutcome | undefined> {
  if (sandbox) return runInSandbox(spec, sandbox);
  const unconfined = detectNoSandbox();
  return unconfined && runUnconfined(spec, unconfined);
}

function specOf(argv: [string, ...string[]], { places, signal }: CheckContext): SandboxSpec {
  return {
    argv,
    tree: TREE,
    cwd: TREE,
    network: 'none',
    hidden: places.hidden,
    limits: {
      wallMs: 10_000,
      cpuSeconds: 10,
      memoryBytes: 1024 * MIB,
      processCount: 64,
      fileBytes: MIB,
      outputBytes: 16 * 1024,
      tmpBytes: 16 * MIB,
      killGraceMs: 500,
    },
    fd3: 'closed',
    signal,
  };
}

function findOnPath(name: string): string | undefined {
  const folders = (FIXED_ENVIRONMENT.PATH ?? '').split(':');
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent, or not for executing: either way this host does not offer it here
  }
}
