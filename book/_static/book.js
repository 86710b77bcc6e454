/* Pages opened from a disk cannot fetch the texts that search results quote: titles are enough. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
