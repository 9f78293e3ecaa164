export interface Shown { summary: string }
