import { ref } from 'vue';

/** Whether single letters do something: who speaks to a computer switches them off (WCAG 2.1.4). For this window. */
export const singleKeys = ref(true);
