import { RejectedError } from '../../shared/errors.ts';
import { releaseTargetPath } from '../../shared/release/release-statement.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { DeployRequest, DeployResponse } from '../../shared/rpc/generated/messages.ts';
import { makeRunId } from '../../shared/time/run-id.ts';
import { appendDirective } from '../store/directives.ts';
import { admittedHost } from '../store/hosts.ts';
import { addRun } from '../store/runs.ts';
import { findRelease } from './find-release.ts';
import type { OperatorContext } from './operator-context.ts';

/** Run and directive are durable when this returns; the host hears of them when it is connected. Errors: `release-not-found`, those of `admittedHost`. */
export async function deploy(context: OperatorContext, { host, app, version }: DeployRequest): Promise<DeployResponse> {
  const { store, clock, sessions, random } = context;
  const release = await findRelease(store, app, version);
  if (release === undefined) {
    throw new RejectedError(
      'release-not-found',
      `failed to deploy "${app}" "${version}": no such release is published`,
      {
        hint: 'list them with: keyturn release list',
      },
    );
  }
  const runId = makeRunId(clock.now(), random);
  const targetPath = releaseTargetPath(app, version);
  const { statementSha256 } = release;
  await store.transaction().execute(async (transaction) => {
    const { incarnation } = await admittedHost(transaction, host);
    const created = { host, incarnation, created_at: clock.now() };
    await addRun(transaction, {
      id: runId,
      ...created,
      app,
      version,
      target_path: targetPath,
      statement_sha256: statementSha256,
    });
    const bytes = directiveCodec.encode({ kind: 'deploy', deploy: { runId, targetPath, statementSha256 } });
    await appendDirective(transaction, { ...created, run_id: runId, kind: 'deploy', bytes });
  });
  sessions.wake(host);
  return { runId };
}
