/** Names of applications and versions, told without what reads whole documents: an agent that waits has these in memory. */

export const APP_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;
/** Lower case, so that it is a TUF target name and a folder name that no file system folds. */
export const VERSION_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** Of checks, secrets and entrypoints. */
export const NAME_PATTERN = /^[a-z][a-z0-9_-]{0,62}$/;
