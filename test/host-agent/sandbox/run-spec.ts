/**
 * A stand-in for an agent, as a process of its own: runs the spec in its first argument, with the secrets (text) in its
 * second, and prints the outcome. For tests that need an agent of another user, or one that inherited a descriptor.
 */
import { detectSandbox, runInSandbox, type SandboxSpec } from '../../../host-agent/sandbox/sandbox.ts';

const spec = JSON.parse(process.argv[2] ?? '') as SandboxSpec;
const secrets = Object.entries(JSON.parse(process.argv[3] ?? '{}') as Record<string, string>);
const sandbox = await detectSandbox();
if (sandbox === undefined) throw new Error('no sandbox on this machine');
const outcome = await runInSandbox(
  { ...spec, secrets: Object.fromEntries(secrets.map(([name, text]) => [name, Buffer.from(text)])) },
  sandbox,
);
console.log(JSON.stringify(outcome));
