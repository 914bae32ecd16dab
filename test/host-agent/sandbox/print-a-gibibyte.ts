/**
 * Runs a program that prints a gibibyte in the sandbox and says what came of it, in a process of its own: how much this one
 * grows can only be told of one that holds nothing else. Argument: the output limit in bytes.
 */
import { detectSandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { ROOMY_LIMITS, SandboxWorld } from './sandbox-world.ts';

const outputBytes = Number(process.argv[2]);
const sandbox = await detectSandbox();
if (!sandbox) throw new Error('no sandbox on this machine');
const world = new SandboxWorld(sandbox);
const before = process.resourceUsage().maxRSS;
const argv = ['dd', 'if=/dev/zero', 'bs=1M', 'count=1024', 'status=none'] as const;
const { ended, stdout } = await world.run([...argv], { limits: { ...ROOMY_LIMITS, outputBytes } });
const grownBytes = (process.resourceUsage().maxRSS - before) * 1024;
const { totalBytes, sha256, isTruncated, text } = stdout;
world.remove();
process.stdout.write(JSON.stringify({ ended, totalBytes, sha256, isTruncated, textLength: text.length, grownBytes }));
