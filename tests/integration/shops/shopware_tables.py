"""Shopware's tables of people and of orders.

Names and types are those of the migrations of 6.6; columns that no test fills are left out.
"""

from __future__ import annotations

PEOPLE = """
CREATE TABLE customer (
  id BINARY(16) NOT NULL PRIMARY KEY, sales_channel_id BINARY(16) NOT NULL,
  language_id BINARY(16) NOT NULL, default_billing_address_id BINARY(16) NOT NULL,
  customer_number VARCHAR(255) NOT NULL, salutation_id BINARY(16) NULL,
  first_name VARCHAR(255) NOT NULL, last_name VARCHAR(255) NOT NULL, email VARCHAR(254) NOT NULL,
  active TINYINT(1) NOT NULL DEFAULT 1, double_opt_in_registration TINYINT(1) NOT NULL DEFAULT 0,
  double_opt_in_confirm_date DATETIME(3) NULL, guest TINYINT(1) NOT NULL DEFAULT 0,
  birthday DATE NULL, custom_fields JSON NULL, created_at DATETIME(3) NOT NULL);
CREATE TABLE customer_address (
  id BINARY(16) NOT NULL PRIMARY KEY, customer_id BINARY(16) NOT NULL,
  country_id BINARY(16) NOT NULL, country_state_id BINARY(16) NULL,
  first_name VARCHAR(50) NOT NULL, last_name VARCHAR(60) NOT NULL, street VARCHAR(255) NOT NULL,
  zipcode VARCHAR(50) NULL, city VARCHAR(70) NOT NULL, phone_number VARCHAR(40) NULL,
  created_at DATETIME(3) NOT NULL);
CREATE TABLE country (id BINARY(16) NOT NULL PRIMARY KEY, iso VARCHAR(255) NULL);
CREATE TABLE country_state_translation (
  country_state_id BINARY(16) NOT NULL, language_id BINARY(16) NOT NULL, name VARCHAR(255) NULL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (country_state_id, language_id));
CREATE TABLE salutation (
  id BINARY(16) NOT NULL PRIMARY KEY, salutation_key VARCHAR(255) NOT NULL);
CREATE TABLE language (
  id BINARY(16) NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL, locale_id BINARY(16) NOT NULL);
CREATE TABLE locale (id BINARY(16) NOT NULL PRIMARY KEY, code VARCHAR(255) NOT NULL);
CREATE TABLE currency (
  id BINARY(16) NOT NULL PRIMARY KEY, iso_code CHAR(3) NOT NULL, factor DOUBLE NOT NULL);
CREATE TABLE state_machine_state (
  id BINARY(16) NOT NULL PRIMARY KEY, technical_name VARCHAR(255) NOT NULL,
  state_machine_id BINARY(16) NOT NULL, UNIQUE (technical_name, state_machine_id));
CREATE TABLE newsletter_recipient (
  id BINARY(16) NOT NULL PRIMARY KEY, email VARCHAR(255) NOT NULL, status VARCHAR(255) NOT NULL,
  hash VARCHAR(255) NOT NULL UNIQUE, language_id BINARY(16) NOT NULL,
  sales_channel_id BINARY(16) NOT NULL, confirmed_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL, updated_at DATETIME(3) NULL)
"""
ORDER_TABLES = """
CREATE TABLE `order` (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, state_id BINARY(16) NOT NULL,
  order_number VARCHAR(64), currency_id BINARY(16) NOT NULL, currency_factor DOUBLE NULL,
  sales_channel_id BINARY(16) NOT NULL, billing_address_id BINARY(16) NOT NULL,
  billing_address_version_id BINARY(16) NOT NULL, price JSON NOT NULL,
  order_date_time DATETIME(3) NOT NULL,
  amount_total DOUBLE GENERATED ALWAYS AS
    (JSON_UNQUOTE(JSON_EXTRACT(price, "$.totalPrice"))) VIRTUAL,
  amount_net DOUBLE GENERATED ALWAYS AS (JSON_UNQUOTE(JSON_EXTRACT(price, "$.netPrice"))) VIRTUAL,
  tax_status VARCHAR(255) GENERATED ALWAYS AS
    (JSON_UNQUOTE(JSON_EXTRACT(price, "$.taxStatus"))) VIRTUAL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id));
CREATE TABLE order_customer (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, customer_id BINARY(16) NULL,
  order_id BINARY(16) NOT NULL, order_version_id BINARY(16) NOT NULL, email VARCHAR(254) NOT NULL,
  first_name VARCHAR(255) NOT NULL, last_name VARCHAR(255) NOT NULL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id),
  KEY (order_id, order_version_id), KEY (customer_id));
CREATE TABLE order_address (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, country_id BINARY(16) NOT NULL,
  country_state_id BINARY(16) NULL, order_id BINARY(16) NOT NULL,
  order_version_id BINARY(16) NOT NULL, first_name VARCHAR(50) NOT NULL,
  last_name VARCHAR(60) NOT NULL, street VARCHAR(255) NOT NULL, zipcode VARCHAR(50) NULL,
  city VARCHAR(70) NOT NULL, phone_number VARCHAR(40) NULL, created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id, version_id), KEY (order_id, order_version_id));
CREATE TABLE order_delivery (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, order_id BINARY(16) NOT NULL,
  order_version_id BINARY(16) NOT NULL, state_id BINARY(16) NOT NULL,
  shipping_order_address_id BINARY(16) NULL, shipping_order_address_version_id BINARY(16) NULL,
  shipping_costs JSON NOT NULL, created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id),
  KEY (order_id, order_version_id));
CREATE TABLE order_transaction (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, order_id BINARY(16) NOT NULL,
  order_version_id BINARY(16) NOT NULL, state_id BINARY(16) NOT NULL, amount JSON NOT NULL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id), KEY (order_id, order_version_id));
CREATE TABLE order_transaction_capture (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, order_transaction_id BINARY(16) NOT NULL,
  order_transaction_version_id BINARY(16) NOT NULL, state_id BINARY(16) NOT NULL,
  amount JSON NOT NULL, created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id));
CREATE TABLE order_transaction_capture_refund (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, capture_id BINARY(16) NOT NULL,
  capture_version_id BINARY(16) NOT NULL, state_id BINARY(16) NOT NULL, amount JSON NOT NULL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id))
"""
