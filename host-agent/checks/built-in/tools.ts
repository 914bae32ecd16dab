import type { ToolsObservation } from '../../../shared/ledger/kinds/tools.ts';
import type { Plan, PlanCheck } from '../../../shared/release/plan.ts';
import { findVersion } from '../../../shared/release/version-range.ts';
import { findSystemProgram } from '../../sandbox/launch-chain.ts';
import {
  detectNoSandbox,
  type ProcessOutcome,
  runInSandbox,
  runUnconfined,
  type SandboxSpec,
} from '../../sandbox/sandbox.ts';
import { FIXED_ENVIRONMENT } from '../../sandbox/spec.ts';
import { blocked, type CheckContext, type CheckOutcome, type Observe, observed } from '../observe.ts';

type WantedTool = Plan['requires']['tools'][string];
type SeenTool = ToolsObservation['tools'][number];

/** Nothing of the release is on the host yet; the tools' own folder stands in for the tree. */
const TREE = '/usr';
const MIB = 1024 * 1024;

/**
 * Looks each tool up on the PATH that checks get, and asks it for its version inside the sandbox if the plan wants one.
 * Blocked where this host has not what the plan's programs may run in: a release is not installed to stay unchecked.
 */
export const observeTools: Observe = async (context) => {
  const { plan } = context.release;
  if (startsPrograms(plan)) {
    const lack = lackOfSandbox(context);
    if (lack) return lack;
  }
  const wanted = Object.entries(plan.requires.tools);
  const tools: SeenTool[] = [];
  for (const [name, tool] of wanted) tools.push(await seeTool(name, { tool, context }));
  return observed({ tools } satisfies ToolsObservation);
};

function startsPrograms({ requires, gates, entrypoints }: Plan): boolean {
  const asksTools = Object.values(requires.tools).some(({ version }) => version !== undefined);
  const isProgram = ({ kind, params: { entrypoint } }: PlanCheck): boolean => {
    if (kind === 'entrypoint') return typeof entrypoint === 'string' && entrypoints[entrypoint]?.probe !== undefined;
    return kind === 'exec' || kind === 'refuses-live';
  };
  return asksTools || gates.some(({ checks }) => checks.some(isProgram));
}

function lackOfSandbox({ sandbox, sandboxRule }: CheckContext): CheckOutcome | undefined {
  if (sandbox) return undefined;
  if (sandboxRule === 'required') {
    return blocked('no bubblewrap on this host, and the policy lets no program run without it', ['bubblewrap']);
  }
  return detectNoSandbox()
    ? undefined
    : blocked('no prlimit, setpriv or env on this host', ['util-linux', 'coreutils']);
}

async function seeTool(
  name: string,
  { tool, context }: { tool: WantedTool; context: CheckContext },
): Promise<SeenTool> {
  const path = findSystemProgram(name, (FIXED_ENVIRONMENT.PATH ?? '').split(':'));
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
