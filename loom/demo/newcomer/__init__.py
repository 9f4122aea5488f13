"""The worker that joins the demo's company, first as it was written in a hurry, then as it was mended.

They are files for the project that the demo writes; here they are only kept."""
