/** The applications that the benchmark releases; a key ceremony names them beforehand. */
export const APPS = {
  payload: 'iu-cutter',
  transfer100MiB: 'transfer-100mib',
  transfer1GiB: 'transfer-1gib',
  changedFiles: 'changed-files',
  fewFiles: 'few-files',
  manyFiles: 'many-files',
  small: 'small',
} as const;
