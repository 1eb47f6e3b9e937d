/** Where the demo keeps its data, and where the shell looks for a cluster, unless --data says otherwise. */
export const DEFAULT_DATA_FOLDER = '.holdfast-demo';
