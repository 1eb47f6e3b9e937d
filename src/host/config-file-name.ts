/** Name of a host's configuration in its data folder; apart from config.ts, so that naming it loads no parser. */
export const CONFIG_FILE_NAME = 'holdfast.yaml';
