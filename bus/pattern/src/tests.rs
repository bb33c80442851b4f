mod differential;
mod generator;
mod model;
